package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.DType;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Garbage of the operations of training, for backends that promise to make none. */
interface TrainingAllocationContract extends TrainingContract {
    /** Bytes of heap that an operation of training may take once warm; negative if the backend promises nothing. */
    default long bytesPerTrainingKernel() {
        return -1;
    }

    @Test
    default void trainsWithoutGarbageInSteadyState() {
        Assumptions.assumeTrue(bytesPerTrainingKernel() >= 0, "the backend does not promise it");
        for (DType dtype : trainingTypes()) {
            Side side = new Side(rig().tested(), rig().queue(), Side.Layout.WHOLE, 337);
            Map<String, Runnable> steps = MiniTrainingStep.operations(side, dtype);
            for (Map.Entry<String, Runnable> step : steps.entrySet()) {
                long bytes = KernelAllocation.bytesPerCall(
                        AllocationContract.WARM_UP, bytesPerTrainingKernel(), step.getValue());
                assertThat(bytes)
                        .as("bytes per call of %s, %s", step.getKey(), dtype)
                        .isLessThanOrEqualTo(bytesPerTrainingKernel());
            }
            side.free();
        }
    }
}
