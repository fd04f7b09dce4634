package dev.lte.cpu;

import dev.lte.core.golden.LteGolden;

class LteGoldenTest extends LteGolden {
    @Override
    protected String backend() {
        return "cpu";
    }
}
