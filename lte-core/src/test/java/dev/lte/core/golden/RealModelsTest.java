package dev.lte.core.golden;

class RealModelsTest extends RealModels {
    @Override
    protected String backend() {
        return "reference";
    }
}
