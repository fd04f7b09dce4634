package dev.lte.cpu;

import dev.lte.core.golden.RealModels;

class RealModelsTest extends RealModels {
    @Override
    protected String backend() {
        return "cpu";
    }
}
