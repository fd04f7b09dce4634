package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Streaming attention over long and paged contexts against a softmax in doubles. */
class AttentionTest {
    private static final long SEED = 5;

    private final CpuBackend backend = new CpuBackend(new BackendOptions(2, 0));
    private final KernelQueue queue = backend.openQueue();
    private final Random random = new Random(SEED);

    @AfterEach
    void close() {
        backend.close();
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "F16", "BF16"})
    void seesThePagesOfEachSequence(DType cacheType) {
        for (int size : new int[] {8, 13, 64}) {
            for (int window : new int[] {0, 5, 40}) {
                for (float softcap : new float[] {0, 3}) {
                    paged(cacheType, new AttentionSpec(6, 2, size, 0.3f, true, window, softcap));
                }
            }
        }
    }

    /** Sequence 0 has rows at positions 0 to 49, sequence 1 one row at position 76 after 76 cached ones. */
    private void paged(DType cacheType, AttentionSpec spec) {
        int width = spec.keyValueHeads() * spec.headSize();
        int pageSize = 16;
        int[] pages = {9, 3, 7, 1, -5, 2, 8, 4, 0, 5};
        int length = 127;
        int[] position = new int[length];
        int[] sequence = new int[length];
        for (int i = 0; i < length; i++) {
            sequence[i] = i < 50 ? 0 : 1;
            position[i] = i < 50 ? i : i - 50;
        }
        RowBatch all = batch(position, sequence, pages, pageSize);
        float[] keys = RandomWeights.floats(length * width, random);
        float[] values = RandomWeights.floats(length * width, random);
        Tensor keyCache = backend.allocate(cacheType, 160, width);
        Tensor valueCache = backend.allocate(cacheType, 160, width);
        queue.appendKeyValue(keyCache, valueCache, tensor(keys, length, width), tensor(values, length, width), all);

        int[] rows = new int[51];
        for (int i = 0; i < 50; i++) {
            rows[i] = i;
        }
        rows[50] = 126;
        int[] rowPosition = new int[51];
        int[] rowSequence = new int[51];
        for (int i = 0; i < 51; i++) {
            rowPosition[i] = position[rows[i]];
            rowSequence[i] = sequence[rows[i]];
        }
        float[] q = RandomWeights.floats(51 * spec.heads() * spec.headSize(), random);
        Tensor out = backend.allocate(DType.F32, 51, spec.heads() * spec.headSize());
        queue.attention(
                out,
                tensor(q, 51, out.columns()),
                keyCache,
                valueCache,
                batch(rowPosition, rowSequence, pages, pageSize),
                spec);
        float[] found = new float[q.length];
        queue.read(out, found);
        // Keys and values rounded to 11 or 8 bits; weights sum to one.
        double tolerance = cacheType == DType.F32 ? 1e-4 : cacheType == DType.F16 ? 1e-2 : 6e-2;
        for (int i = 0; i < 51; i++) {
            int first = i < 50 ? 0 : 50;
            int from = spec.window() == 0 ? 0 : Math.max(0, rowPosition[i] - spec.window() + 1);
            compare(found, q, keys, values, i, first + from, first + rowPosition[i] + 1, spec, tolerance);
        }
    }

    private RowBatch batch(int[] positions, int[] sequences, int[] pages, int pageSize) {
        return new RowBatch(
                ints(positions, positions.length, 1),
                ints(sequences, sequences.length, 1),
                ints(pages, 2, pages.length / 2),
                pageSize);
    }

    private Tensor ints(int[] values, int rows, int columns) {
        Tensor tensor = backend.allocate(DType.I32, rows, columns);
        queue.write(tensor, values);
        return tensor;
    }

    private Tensor tensor(float[] values, int rows, int columns) {
        Tensor tensor = backend.allocate(DType.F32, rows, columns);
        queue.write(tensor, values);
        return tensor;
    }

    private static void compare(
            float[] found,
            float[] q,
            float[] keys,
            float[] values,
            int row,
            int from,
            int to,
            AttentionSpec spec,
            double tolerance) {
        int size = spec.headSize();
        int width = spec.keyValueHeads() * size;
        for (int h = 0; h < spec.heads(); h++) {
            int kv = h / (spec.heads() / spec.keyValueHeads()) * size;
            int at = (row * spec.heads() + h) * size;
            double[] weight = new double[to - from];
            double sum = 0;
            for (int p = from; p < to; p++) {
                double score = 0;
                for (int e = 0; e < size; e++) {
                    score += (double) q[at + e] * keys[p * width + kv + e];
                }
                score *= spec.scale();
                score = spec.softcap() > 0 ? spec.softcap() * Math.tanh(score / spec.softcap()) : score;
                weight[p - from] = Math.exp(score);
                sum += weight[p - from];
            }
            for (int e = 0; e < size; e++) {
                double expected = 0;
                for (int p = from; p < to; p++) {
                    expected += weight[p - from] / sum * values[p * width + kv + e];
                }
                assertThat((double) found[at + e])
                        .as("row %d head %d element %d, %s, seed %d", row, h, e, spec, SEED)
                        .isCloseTo(expected, Offset.offset(tolerance));
            }
        }
    }

    @Test
    void seesTheRowsOfItsOwnSequenceWithoutACache() {
        int length = 75;
        for (boolean causal : new boolean[] {true, false}) {
            AttentionSpec spec = new AttentionSpec(4, 4, 24, 0.2f, causal, 0, 0);
            float[] q = RandomWeights.floats(length * 96, random);
            float[] keys = RandomWeights.floats(length * 96, random);
            float[] values = RandomWeights.floats(length * 96, random);
            Tensor out = backend.allocate(DType.F32, length, 96);
            int[] starts = {0, 1, 41, 41, 75};
            queue.selfAttention(
                    out,
                    tensor(q, length, 96),
                    tensor(keys, length, 96),
                    tensor(values, length, 96),
                    ints(starts, 5, 1),
                    spec);
            float[] found = new float[q.length];
            queue.read(out, found);
            for (int t = 0; t < length; t++) {
                int from = t < 1 ? 0 : t < 41 ? 1 : 41;
                int end = t < 1 ? 1 : t < 41 ? 41 : 75;
                compare(found, q, keys, values, t, from, causal ? t + 1 : end, spec, 1e-4);
            }
        }
    }
}
