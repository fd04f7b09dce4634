package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.DType;
import java.time.Duration;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Garbage, for backends that promise to make none. */
interface AllocationContract extends Contract {
    /** Compilers take this long at most; kernels that allocate nothing are through with it much earlier. */
    Duration WARM_UP = Duration.ofSeconds(10);

    /** Bytes of heap that a kernel may take once warm; negative if the backend promises nothing. */
    default long bytesPerKernel() {
        return -1;
    }

    @Test
    default void allocatesNothingInSteadyState() {
        Assumptions.assumeTrue(bytesPerKernel() >= 0, "the backend does not promise it");
        for (DType dtype : weightTypes()) {
            if (dtype.blockSize() <= 32) {
                for (int rows : new int[] {1, 4, 16}) {
                    Side side = new Side(rig().tested(), rig().queue(), Side.Layout.WHOLE, 193);
                    MiniLayer layer = new MiniLayer(side, rows, dtype);
                    layer.token(0, 1);
                    layer.pass();
                    for (MiniLayer.Step step : layer.steps()) {
                        assertThat(KernelAllocation.bytesPerCall(WARM_UP, bytesPerKernel(), step.operation()))
                                .as("bytes per call of %s, %s, T %d", step.name(), dtype, rows)
                                .isLessThanOrEqualTo(bytesPerKernel());
                    }
                    side.free();
                }
            }
        }
    }
}
