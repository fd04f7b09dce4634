package dev.lte.cuda;

import dev.lte.core.golden.LteGolden;
import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf("dev.lte.cuda.CudaBackendContractTest#isDeviceHere")
class LteGoldenTest extends LteGolden {
    @Override
    protected String backend() {
        return "cuda";
    }
}
