package dev.lte.cuda;

import dev.lte.backend.Availability;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.core.contract.ActivationRounding;
import dev.lte.core.contract.BackendContractTest;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Assumptions;

/** Skipped where there is no device. */
class CudaBackendContractTest extends BackendContractTest {
    @Override
    protected Backend open() {
        CudaBackendProvider provider = new CudaBackendProvider();
        if (provider.probe() instanceof Availability.Unavailable unavailable) {
            Assumptions.abort(unavailable.reason());
        }
        return provider.open(BackendOptions.defaults());
    }

    @Override
    public Set<DType> weightTypes() {
        return EnumSet.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0);
    }

    @Override
    public Set<DType> cacheTypes() {
        return EnumSet.of(DType.F32, DType.F16, DType.BF16);
    }

    /** Activations are never rounded: block types are decoded to F32 as well. */
    @Override
    public ActivationRounding rounding(DType weight, int rows) {
        return ActivationRounding.F32;
    }
}
