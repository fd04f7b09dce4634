package dev.lte.core.golden;

class LteGoldenTest extends LteGolden {
    @Override
    protected String backend() {
        return "reference";
    }
}
