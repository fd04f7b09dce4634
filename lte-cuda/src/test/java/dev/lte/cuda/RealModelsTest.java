package dev.lte.cuda;

import dev.lte.core.golden.RealModels;
import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf("dev.lte.cuda.CudaBackendContractTest#isDeviceHere")
class RealModelsTest extends RealModels {
    @Override
    protected String backend() {
        return "cuda";
    }
}
