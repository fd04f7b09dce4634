package dev.lte.cuda;

import dev.lte.core.golden.GoldenModels;
import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf("dev.lte.cuda.CudaBackendContractTest#isDeviceHere")
class HfGoldenTest extends GoldenModels {
    @Override
    protected String backend() {
        return "cuda";
    }
}
