package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.DType;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Garbage, for backends that promise to make none. */
interface AllocationContract extends Contract {
    /** Bytes of heap that a pass of {@link MiniLayer} may take once warm; negative if the backend promises nothing. */
    default long bytesPerPass() {
        return -1;
    }

    @Test
    default void allocatesNothingInSteadyState() {
        Assumptions.assumeTrue(bytesPerPass() >= 0, "the backend does not promise it");
        for (DType dtype : weightTypes()) {
            if (dtype.blockSize() <= 32) {
                for (int rows : new int[] {1, 4, 16}) {
                    Side side = new Side(rig().tested(), rig().queue(), Side.Layout.WHOLE, 193);
                    MiniLayer layer = new MiniLayer(side, rows, dtype);
                    layer.token(0, 1);
                    layer.pass();
                    assertThat(KernelAllocation.bytesPerCall(500, layer::pass))
                            .as("bytes per pass, %s, T %d", dtype, rows)
                            .isLessThanOrEqualTo(bytesPerPass());
                    side.free();
                }
            }
        }
    }
}
