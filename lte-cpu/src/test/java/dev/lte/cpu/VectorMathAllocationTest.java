package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.Activation;
import dev.lte.core.contract.KernelAllocation;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Functions of vectors leave no vector on the heap, in whole vectors and in what is left over, once C2 has compiled them. */
@Tag("long")
class VectorMathAllocationTest {
    private static final Duration WARM_UP = Duration.ofSeconds(10);

    private final float[] x = RandomWeights.floats(256, new Random(5));

    @ParameterizedTest
    @EnumSource
    void activationsAllocateNothing(Activation activation) {
        assertThat(bytes(() -> VectorMath.activate(activation, x, 0, 64))).isZero();
        assertThat(bytes(() -> VectorMath.activate(activation, x, 0, 101))).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 101})
    void rowsOfThisManyElementsAllocateNothing(int count) {
        assertThat(bytes(() -> VectorMath.softcap(x, 0, count, 30f))).isZero();
        assertThat(bytes(() -> VectorMath.sigmoid(x, 0, count))).isZero();
        assertThat(bytes(() -> VectorMath.exponentials(x, 0, count, 1f))).isZero();
        assertThat(bytes(() -> VectorMath.add(x, 0, x, 128, count))).isZero();
    }

    private static long bytes(Runnable code) {
        return KernelAllocation.bytesPerCall(WARM_UP, 0, code);
    }
}
