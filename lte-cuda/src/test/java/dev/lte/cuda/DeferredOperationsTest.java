package dev.lte.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import dev.lte.backend.Write;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * A layer whose operations wait for the next one, whose kernel does them on the way, gives what it gives when each is awaited, at
 * once and recorded.
 */
@EnabledIf("dev.lte.cuda.CudaBackendContractTest#isDeviceHere")
class DeferredOperationsTest {
    private static final int SEED = 7;

    /** Keys and values are rounded to F16 and products to BF16; a last bit of F32 may tip either. */
    private static final double ROUNDING = 0x1p-7;

    private final Random random = new Random(SEED);
    private final Backend backend = new CudaBackendProvider().open(BackendOptions.defaults());
    private final KernelQueue queue = backend.openQueue();

    @AfterEach
    void close() {
        backend.close();
    }

    private record Shape(int model, int heads, int keyHeads, int headSize, RopeSpec rope, int window, DType cache) {}

    @Test
    void sameForSingleTokens() {
        for (DType cache : List.of(DType.F16, DType.BF16, DType.F32)) {
            compare(new Shape(256, 4, 4, 64, halves(64, 64), 0, cache), 1, 1);
            compare(new Shape(512, 4, 4, 128, halves(128, 128), 0, cache), 300, 1);
            compare(new Shape(1088, 8, 2, 64, halves(64, 32), 0, cache), 77, 1);
            compare(new Shape(2048, 6, 2, 48, new RopeSpec(48, 32, RopeSpec.Pairing.ADJACENT), 50, cache), 129, 1);
        }
    }

    @Test
    void sameForPrompts() {
        for (DType cache : List.of(DType.F16, DType.BF16)) {
            compare(new Shape(512, 4, 4, 128, halves(128, 128), 0, cache), 0, 200);
            compare(new Shape(256, 8, 2, 64, halves(64, 32), 70, cache), 40, 131);
            compare(new Shape(264, 6, 2, 48, new RopeSpec(48, 32, RopeSpec.Pairing.ADJACENT), 0, cache), 3, 70);
        }
    }

    private static RopeSpec halves(int headSize, int rotated) {
        return new RopeSpec(headSize, rotated, RopeSpec.Pairing.HALVES);
    }

    /** One layer for {@code count} rows that follow {@code before} others. */
    private void compare(Shape s, int before, int count) {
        int page = 16;
        int positions = before + count;
        int pages = Math.ceilDiv(positions, page);
        int[] table = new int[pages];
        int[] at = new int[count];
        for (int i = 0; i < pages; i++) {
            table[i] = pages - 1 - i;
        }
        for (int i = 0; i < count; i++) {
            at[i] = before + i;
        }
        RowBatch rows = new RowBatch(
                integers(count, 1, at), integers(count, 1, new int[count]), integers(1, pages, table), page);
        int q = s.heads * s.headSize;
        int k = s.keyHeads * s.headSize;
        Tensor input = floats(count, s.model);
        Tensor gain = backend.weight(weight(1, s.model, DType.F32));
        Tensor qkv = backend.weight(weight(q + 2 * k, s.model, DType.BF16));
        Tensor output = backend.weight(weight(s.model, q, DType.BF16));
        FfnWeights ffn = backend.ffn(new FfnData(
                new FfnSpec(s.model, 1056, 32, Activation.SILU, true),
                weight(1056, s.model, DType.BF16),
                weight(1056, s.model, DType.BF16),
                weight(s.model, 1056, DType.BF16),
                null,
                null));
        Tensor angles = floats(positions, 2 * s.rope.rotated() / 2);
        Tensor oldKeys = floats(pages * page, k);
        Tensor oldValues = floats(pages * page, k);
        List<float[]> expected = null;
        for (int mode = 0; mode < 3; mode++) {
            Tensor x = backend.allocate(DType.F32, count, s.model);
            Tensor normed = backend.allocate(DType.F32, count, s.model);
            Tensor projected = backend.allocate(DType.F32, count, q + 2 * k);
            Tensor attended = backend.allocate(DType.F32, count, q);
            Tensor keys = backend.allocate(s.cache, pages * page, k);
            Tensor values = backend.allocate(s.cache, pages * page, k);
            Tensor all = integers(pages * page, 1, range(pages * page));
            RowBatch old = new RowBatch(all, integers(pages * page, 1, new int[pages * page]), rows.pageTable(), page);
            queue.appendKeyValue(keys, values, oldKeys, oldValues, old);
            queue.write(x, new float[count * s.model]);
            queue.add(x, input);
            NormSpec norm = new NormSpec(NormSpec.Kind.RMS, 1e-5f, 0);
            AttentionSpec attention = new AttentionSpec(
                    s.heads, s.keyHeads, s.headSize, (float) (1 / Math.sqrt(s.headSize)), true, s.window, 0);
            Runnable wait = mode == 0 ? queue::await : () -> {};
            Runnable layer = () -> {
                queue.norm(normed, x, gain, null, norm);
                wait.run();
                queue.linear(projected, normed, qkv, null, Write.SET);
                wait.run();
                queue.rope(projected.columnRange(0, q + k), rows.positions(), angles, s.rope);
                wait.run();
                queue.appendKeyValue(
                        keys, values, projected.columnRange(q, q + k), projected.columnRange(q + k, q + 2 * k), rows);
                wait.run();
                queue.attention(attended, projected.columnRange(0, q), keys, values, rows, attention);
                wait.run();
                queue.linear(x, attended, output, null, Write.ADD);
                wait.run();
                queue.norm(normed, x, gain, null, norm);
                wait.run();
                queue.denseFfn(x, normed, ffn, Write.ADD);
            };
            if (mode == 2) {
                try (KernelQueue.Recording recording = queue.record(layer)) {
                    recording.run();
                    queue.await();
                }
            } else {
                layer.run();
            }
            List<float[]> found = new ArrayList<>();
            found.add(read(projected));
            found.add(read(attended));
            found.add(read(normed));
            found.add(read(x));
            // What the cache holds, as a later token sees it.
            queue.attention(attended, projected.columnRange(0, q), keys, values, rows, attention);
            found.add(read(attended));
            if (expected == null) {
                expected = found;
            }
            for (int i = 0; i < found.size(); i++) {
                double largest = 0;
                for (float value : expected.get(i)) {
                    largest = Math.max(largest, Math.abs(value));
                }
                assertThat(largest).isPositive();
                double error = 0;
                for (int j = 0; j < found.get(i).length; j++) {
                    error = Math.max(error, Math.abs(found.get(i)[j] - (double) expected.get(i)[j]));
                }
                assertThat(error)
                        .as("seed %d, %s, %d after %d, mode %d, tensor %d", SEED, s, count, before, mode, i)
                        .isLessThanOrEqualTo(ROUNDING * largest);
            }
        }
    }

    private static int[] range(int count) {
        int[] range = new int[count];
        for (int i = 0; i < count; i++) {
            range[i] = i;
        }
        return range;
    }

    private float[] read(Tensor tensor) {
        float[] values = new float[tensor.rows() * tensor.columns()];
        queue.read(tensor, values);
        return values;
    }

    private Tensor floats(int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        Tensor tensor = backend.allocate(DType.F32, rows, columns);
        queue.write(tensor, values);
        return tensor;
    }

    private Tensor integers(int rows, int columns, int... values) {
        Tensor tensor = backend.allocate(DType.I32, rows, columns);
        queue.write(tensor, values);
        return tensor;
    }

    private WeightData weight(int rows, int columns, DType dtype) {
        long bytes = (long) dtype.blockBytes() * rows * columns;
        MemorySegment segment = Arena.ofAuto().allocate(bytes, 16);
        for (int i = 0; i < rows * columns; i++) {
            float value = (float) (random.nextGaussian() / Math.sqrt(columns));
            if (dtype == DType.F32) {
                segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
            } else {
                segment.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(value) >>> 16));
            }
        }
        return new WeightData("random", dtype, rows, columns, segment);
    }
}
