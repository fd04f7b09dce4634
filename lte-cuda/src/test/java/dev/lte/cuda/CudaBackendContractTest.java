package dev.lte.cuda;

import dev.lte.backend.Availability;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.core.contract.ActivationRounding;
import dev.lte.core.contract.BackendContractTest;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.condition.EnabledIf;

/** Skipped where there is no device. */
@EnabledIf(value = "isDeviceHere", disabledReason = "the probe finds no CUDA device that could be used")
class CudaBackendContractTest extends BackendContractTest {
    static boolean isDeviceHere() {
        return new CudaBackendProvider().probe() instanceof Availability.Available;
    }

    @Override
    protected Backend open() {
        return new CudaBackendProvider().open(BackendOptions.defaults());
    }

    @Override
    public Set<DType> weightTypes() {
        return EnumSet.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0);
    }

    @Override
    public Set<DType> cacheTypes() {
        return EnumSet.of(DType.F32, DType.F16, DType.BF16);
    }

    @Override
    public Set<DType> trainingTypes() {
        return EnumSet.of(DType.F32, DType.BF16);
    }

    /** Queries and weights are rounded to the cache's F16 where many rows attend. */
    @Override
    public double attentionError(DType cache) {
        return cache == DType.F16 ? 0x1p-11 : super.attentionError(cache);
    }

    /** Tensor cores take weights and gradients of scores in BF16, which rounds them by up to 2^-9 of their size. */
    @Override
    public double trainingAttentionError(DType dtype) {
        return dtype == DType.BF16 ? 1.0 / 256 : super.trainingAttentionError(dtype);
    }

    /** Few rows meet the weights in F32; more are rounded to BF16, unless the weights are F32, for tensor cores. */
    @Override
    public ActivationRounding rounding(DType weight, int rows) {
        boolean exact = switch (weight) {
            case F32 -> true;
            case BF16 -> rows < CudaMany.ROWS;
            default -> rows < CudaMany.DECODED_ROWS;
        };
        return exact ? ActivationRounding.F32 : ActivationRounding.BF16;
    }
}
