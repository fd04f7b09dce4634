package dev.lte.cpu;

import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.core.contract.ActivationRounding;
import dev.lte.core.contract.BackendContractTest;
import java.util.EnumSet;
import java.util.Set;

/** The contract at the vector width that this processor prefers. */
class CpuBackendContractTest extends BackendContractTest {
    @Override
    protected Backend open() {
        return new CpuBackend(new BackendOptions(3, 0));
    }

    @Override
    public Set<DType> weightTypes() {
        return EnumSet.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0, DType.Q4_K, DType.Q6_K);
    }

    /** Weights are decoded to F32; activations stay as they are. */
    @Override
    public ActivationRounding rounding(DType weight, int rows) {
        return ActivationRounding.F32;
    }

    @Override
    public Set<DType> trainingTypes() {
        return EnumSet.of(DType.F32, DType.BF16);
    }

    /**
     * Not promised: C2 usually removes the vector objects of the training products, but with the profile of some runs it
     * compiles them with 18 KB of garbage a call.
     */
    @Override
    public long bytesPerTrainingKernel() {
        return -1;
    }

    /**
     * Of what C2 has compiled: until it has, vectors are objects. Asked for by {@code -Dlte.allocation=true}, in a process of its own: with
     * the profile of all other tests C2 keeps some of them, in some processes.
     */
    @Override
    public long bytesPerKernel() {
        return Boolean.getBoolean("lte.allocation") ? 0 : -1;
    }

    @Override
    public Set<DType> cacheTypes() {
        return EnumSet.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0);
    }
}
