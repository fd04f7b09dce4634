package dev.lte.cpu;

import dev.lte.core.golden.GoldenModels;

class HfGoldenTest extends GoldenModels {
    @Override
    protected String backend() {
        return "cpu";
    }
}
