package dev.lte.cpu;

import dev.lte.core.golden.Neighbours;

class NeighboursTest extends Neighbours {
    @Override
    protected String backend() {
        return "cpu";
    }
}
