package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.BackendFailureException;
import dev.lte.backend.Activation;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import dev.lte.backend.Write;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** Weights of mapped files are usable before they are packed, and what goes wrong in the background is told to who uses them. */
@Timeout(value = 1, unit = TimeUnit.MINUTES)
class BackgroundPackingTest {
    private static final long SEED = 11;
    private static final int ROWS = 1040;
    private static final int COLUMNS = 512;

    private final CountDownLatch start = new CountDownLatch(1);
    private final CpuBackend backend = new CpuBackend(new BackendOptions(2, 0), this::afterStart);
    private final KernelQueue queue = backend.openQueue();

    /** A packing thread that begins when the test wants it to. */
    private Thread afterStart(Runnable work) {
        return BackgroundPacking.daemon(() -> {
            try {
                start.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            work.run();
        });
    }

    @AfterEach
    void close() {
        start.countDown();
        backend.close();
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            mode = Mode.INCLUDE,
            names = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
    void kernelsGiveTheSameNumbersBeforePackingAndAfter(DType dtype) {
        for (int tokens : new int[] {1, 3, 7}) {
            Random random = new Random(SEED);
            WeightData matrix = RandomWeights.weight(dtype, ROWS, COLUMNS, random);
            FfnData ffn = ffn(dtype, random);
            float[] x = RandomWeights.floats(tokens * COLUMNS, random);
            String what = dtype + ", " + tokens + " tokens, seed " + SEED;

            float[] expected = multiply(backend.weight(matrix), x, tokens);
            float[] expectedFfn = multiply(backend.ffn(ffn), x, tokens);
            Tensor weight = backend.weight(readOnly(matrix));
            FfnWeights block = backend.ffn(new FfnData(
                    ffn.spec(), readOnly(ffn.gate()), readOnly(ffn.up()), readOnly(ffn.down()), null, null));
            assertThat(((CpuFfn) block).packed().isPacked()).as(what).isFalse();
            assertThat(multiply(weight, x, tokens)).as(what).isEqualTo(expected);
            assertThat(multiply(block, x, tokens)).as(what).isEqualTo(expectedFfn);
            assertThat(((CpuFfn) block).packed().isPacked()).as(what).isFalse();
            if (tokens == 7) {
                start.countDown();
                // The second use waits.
                assertThat(multiply(weight, x, tokens)).as(what).isEqualTo(expected);
                assertThat(multiply(block, x, tokens)).as(what).isEqualTo(expectedFfn);
                assertThat(((CpuFfn) block).packed().isPacked()).as(what).isTrue();
            }
        }
    }

    @Test
    void rowsAreReadBeforePacking() {
        WeightData matrix = RandomWeights.weight(DType.Q8_0, ROWS, COLUMNS, new Random(SEED));
        float[] expected = new float[ROWS * COLUMNS];
        queue.read(backend.weight(matrix), expected);
        float[] found = new float[ROWS * COLUMNS];
        queue.read(backend.weight(readOnly(matrix)), found);
        assertThat(found).as("seed " + SEED).isEqualTo(expected);
    }

    @Test
    void bytesThatCanChangeArePackedAtOnce() {
        WeightData matrix = RandomWeights.weight(DType.Q8_0, ROWS, COLUMNS, new Random(SEED));
        float[] x = RandomWeights.floats(COLUMNS, new Random(SEED));
        Tensor weight = backend.weight(matrix);
        float[] expected = multiply(weight, x, 1);
        matrix.bytes().fill((byte) 0);
        assertThat(multiply(weight, x, 1)).as("seed " + SEED).isEqualTo(expected);
    }

    @Test
    void aFailureInTheBackgroundIsToldByTheNextUse() throws InterruptedException {
        WeightData source = RandomWeights.weight(DType.Q8_0, ROWS, COLUMNS, new Random(SEED));
        Tensor lost;
        try (Arena file = Arena.ofShared()) {
            MemorySegment bytes = file.allocate(source.bytes().byteSize(), 64).copyFrom(source.bytes());
            lost = backend.weight(new WeightData("lost", DType.Q8_0, ROWS, COLUMNS, bytes.asReadOnly()));
        }
        Tensor kept = backend.weight(readOnly(source));
        start.countDown();
        float[] x = RandomWeights.floats(COLUMNS, new Random(SEED));
        PackedItems items = ((TiledWeight) kept).parts().getFirst().packed();
        while (!items.isPacked()) {
            Thread.sleep(1);
        }
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> multiply(lost, x, 1))
                    .isInstanceOf(BackendFailureException.class)
                    .hasMessageContainingAll("lost", "could not be packed");
        }
        assertThat(multiply(kept, x, 1)).hasSize(ROWS);
    }

    @Test
    void closingWhileWeightsWaitFreesThemAndEndsTheThread() throws InterruptedException {
        WeightData matrix = readOnly(RandomWeights.weight(DType.Q8_0, ROWS, COLUMNS, new Random(SEED)));
        TiledWeight weight = (TiledWeight) backend.weight(matrix);
        float[] x = RandomWeights.floats(COLUMNS, new Random(SEED));
        multiply(weight, x, 1);
        PackedItems items = weight.parts().getFirst().packed();
        CompletableFuture<Throwable> user = new CompletableFuture<>();
        Thread waiting = Thread.ofPlatform().daemon().start(() -> {
            try {
                multiply(weight, x, 1);
                user.complete(new AssertionError("expected an exception"));
            } catch (Throwable t) {
                user.complete(t);
            }
        });
        while (!items.isAwaited()) {
            Thread.sleep(1);
        }
        Thread closing = Thread.ofPlatform().daemon().start(backend::close);
        assertThat(user.join()).isInstanceOf(IllegalStateException.class);
        waiting.join();
        start.countDown();
        closing.join();
        assertThat(items.isPacked()).isFalse();
        assertThat(items.memory().scope().isAlive()).isFalse();
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().equals("lte-cpu-packing") && thread.isAlive() && isOurs(thread));
    }

    /** Other tests may run beside this one, whose threads are nowhere near this class. */
    private static boolean isOurs(Thread thread) {
        for (StackTraceElement frame : thread.getStackTrace()) {
            if (frame.getClassName().startsWith(BackgroundPackingTest.class.getName())) {
                return true;
            }
        }
        return false;
    }

    @Test
    void aWeightThatIsFreedIsNotPackedAndTheNextOneIs() throws InterruptedException {
        WeightData matrix = readOnly(RandomWeights.weight(DType.Q8_0, ROWS, COLUMNS, new Random(SEED)));
        TiledWeight freed = (TiledWeight) backend.weight(matrix);
        PackedItems items = freed.parts().getFirst().packed();
        Tensor kept = backend.weight(matrix);
        backend.free(freed);
        assertThat(items.memory().scope().isAlive()).isFalse();
        start.countDown();
        PackedItems next = ((TiledWeight) kept).parts().getFirst().packed();
        while (!next.isPacked()) {
            Thread.sleep(1);
        }
        assertThat(items.isPacked()).isFalse();
        float[] x = RandomWeights.floats(COLUMNS, new Random(SEED));
        assertThatThrownBy(() -> multiply(freed, x, 1)).isInstanceOf(IllegalStateException.class);
    }

    private static FfnData ffn(DType dtype, Random random) {
        return new FfnData(
                new FfnSpec(COLUMNS, 512, 32, Activation.SILU, true),
                RandomWeights.weight(dtype, 512, COLUMNS, random),
                RandomWeights.weight(dtype, 512, COLUMNS, random),
                RandomWeights.weight(dtype, COLUMNS, 512, random),
                null,
                null);
    }

    /** As a mapped file would give it. */
    private static WeightData readOnly(WeightData data) {
        MemorySegment bytes = MemorySegment.ofArray(data.bytes().toArray(ValueLayout.JAVA_BYTE));
        MemorySegment copy = Arena.ofAuto().allocate(bytes.byteSize(), 64).copyFrom(bytes);
        return new WeightData(data.name(), data.dtype(), data.rows(), data.columns(), copy.asReadOnly());
    }

    private float[] multiply(Tensor weight, float[] x, int tokens) {
        Tensor in = input(x, tokens);
        Tensor out = backend.allocate(DType.F32, tokens, weight.rows());
        queue.linear(out, in, weight, null, Write.SET);
        float[] result = new float[tokens * weight.rows()];
        queue.read(out, result);
        return result;
    }

    private float[] multiply(FfnWeights weights, float[] x, int tokens) {
        Tensor out = backend.allocate(DType.F32, tokens, weights.spec().model());
        queue.denseFfn(out, input(x, tokens), weights, Write.SET);
        float[] result = new float[tokens * weights.spec().model()];
        queue.read(out, result);
        return result;
    }

    private Tensor input(float[] x, int tokens) {
        Tensor in = backend.allocate(DType.F32, tokens, COLUMNS);
        queue.write(in, x);
        return in;
    }
}
