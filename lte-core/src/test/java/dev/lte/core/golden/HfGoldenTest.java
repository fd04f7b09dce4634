package dev.lte.core.golden;

class HfGoldenTest extends GoldenModels {
    @Override
    protected String backend() {
        return "reference";
    }
}
