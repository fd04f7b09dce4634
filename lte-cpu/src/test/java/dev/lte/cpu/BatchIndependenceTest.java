package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A row's result has the same bits whether it is computed alone or with others, which may be other sequences or a prompt: what
 * a stream says must not depend on its neighbours. Compared bit by bit, so there is no tolerance.
 */
class BatchIndependenceTest {
    private static final long SEED = 23;
    private static final int ROWS = 70;
    private static final int[] BATCHES = {2, 3, 4, 5, 7, 16, 17, 49, ROWS};

    private final CpuBackend backend = new CpuBackend(new BackendOptions(3, 0));
    private final KernelQueue queue = backend.openQueue();
    private final Random random = new Random(SEED);

    @AfterEach
    void close() {
        backend.close();
    }

    /** An operation on rows {@code from} to {@code to} of its input. */
    private interface Rows {
        void run(Tensor out, int from, int to);
    }

    private void checkEveryBatch(String what, int columns, Rows operation) {
        float[] alone = new float[ROWS * columns];
        for (int t = 0; t < ROWS; t++) {
            System.arraycopy(results(operation, t, t + 1, columns), 0, alone, t * columns, columns);
        }
        assertThat(alone).as(what).doesNotContain(Float.NaN);
        for (int batch : BATCHES) {
            for (int from = 0; from < ROWS; from += batch) {
                int to = Math.min(ROWS, from + batch);
                int[] expected = bits(Arrays.copyOfRange(alone, from * columns, to * columns));
                assertThat(bits(results(operation, from, to, columns)))
                        .as("%s, rows %d to %d together, seed %d", what, from, to, SEED)
                        .isEqualTo(expected);
            }
        }
    }

    private float[] results(Rows operation, int from, int to, int columns) {
        Tensor out = backend.allocate(DType.F32, to - from, columns);
        operation.run(out, from, to);
        float[] values = new float[(to - from) * columns];
        queue.read(out, values);
        backend.free(out);
        return values;
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void linear(DType dtype) {
        if (!backend.supportsWeight(dtype)) {
            return;
        }
        int[] widths =
                dtype.isQuantized() ? new int[] {dtype.blockSize(), 512 + dtype.blockSize()} : new int[] {1, 77, 300};
        for (int columns : widths) {
            for (int rows : new int[] {1, 16, 53}) {
                Tensor weight = backend.weight(List.of(RandomWeights.weight(dtype, rows, columns, random)));
                Tensor bias = tensor(1, rows);
                Tensor x = tensor(ROWS, columns);
                checkEveryBatch(dtype + " " + rows + " x " + columns, rows, (out, from, to) -> {
                    queue.linear(out, x.rowRange(from, to), weight, bias, Write.SET);
                    queue.linear(out, x.rowRange(from, to), weight, null, Write.ADD);
                });
                checkEveryBatch(
                        dtype + " router",
                        rows,
                        (out, from, to) -> queue.routerScores(out, x.rowRange(from, to), weight));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "F16", "BF16"})
    void linearOnColumnsOfPlainWeightsAndOnOrdinaryTensors(DType dtype) {
        Tensor weight = backend.weight(List.of(RandomWeights.weight(dtype, 21, 340, random)));
        Tensor ordinary = backend.allocate(dtype, 21, 300);
        queue.write(ordinary, RandomWeights.floats(21 * 300, random));
        Tensor x = tensor(ROWS, 300);
        checkEveryBatch(
                dtype + " columns",
                21,
                (out, from, to) ->
                        queue.linear(out, x.rowRange(from, to), weight.columnRange(7, 307), null, Write.SET));
        checkEveryBatch(
                dtype + " ordinary",
                21,
                (out, from, to) -> queue.linear(out, x.rowRange(from, to), ordinary, null, Write.SET));
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void denseAndSparseFfn(DType dtype) {
        if (!backend.supportsWeight(dtype)) {
            return;
        }
        int block = dtype.isQuantized() ? Math.max(64, dtype.blockSize()) : 45;
        ffn(dtype, dtype, block, 21 * 32, 32, true);
        ffn(dtype, DType.F16, block, 5 * 64, 64, false);
        ffn(DType.BF16, dtype, dtype.isQuantized() ? block : 37, 512, 16, true);
    }

    private void ffn(DType projections, DType down, int model, int neurons, int size, boolean gated) {
        if (down.isQuantized() && neurons % down.blockSize() != 0) {
            neurons = neurons / down.blockSize() * down.blockSize();
        }
        FfnSpec spec = new FfnSpec(model, neurons, size, Activation.SILU, gated);
        FfnWeights weights = backend.ffn(new FfnData(
                spec,
                gated ? RandomWeights.weight(projections, neurons, model, random) : null,
                RandomWeights.weight(projections, neurons, model, random),
                RandomWeights.weight(down, model, neurons, random),
                gated ? null : RandomWeights.weight(DType.F32, 1, neurons, random),
                RandomWeights.weight(DType.F32, 1, model, random)));
        int experts = spec.experts();
        Tensor x = tensor(ROWS, model);
        String what = projections + " and " + down + " of " + spec;
        checkEveryBatch(
                "dense " + what,
                model,
                (out, from, to) -> queue.denseFfn(out, x.rowRange(from, to), weights, Write.SET));
        ExpertSelection selection = selection(experts);
        checkEveryBatch("sparse " + what, model, (out, from, to) -> {
            ExpertSelection part = new ExpertSelection(
                    selection.experts().rowRange(from, to), selection.counts().rowRange(from, to));
            queue.sparseFfn(out, x.rowRange(from, to), weights, part, Write.SET);
        });
    }

    /** Different experts in every row; none in the first. */
    private ExpertSelection selection(int experts) {
        int[] lists = new int[ROWS * experts];
        int[] counts = new int[ROWS];
        for (int t = 1; t < ROWS; t++) {
            for (int e = 0; e < experts; e++) {
                if (random.nextInt(4) < t % 4) {
                    lists[t * experts + counts[t]++] = e;
                }
            }
        }
        return new ExpertSelection(ints(lists, ROWS, experts), ints(counts, ROWS, 1));
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "F16", "BF16"})
    void attention(DType cacheType) {
        AttentionSpec spec = new AttentionSpec(6, 2, 24, 0.3f, true, 0, 0);
        int pageSize = 16;
        Tensor keys = cache(cacheType, 8 * pageSize, 48);
        Tensor values = cache(cacheType, 8 * pageSize, 48);
        Tensor pages = ints(new int[] {3, 1, 7, 5, 2, 0, 6, 4}, 2, 4);
        int[] position = new int[ROWS];
        int[] sequence = new int[ROWS];
        for (int t = 0; t < ROWS; t++) {
            position[t] = random.nextInt(64);
            sequence[t] = random.nextInt(2);
        }
        Tensor positions = ints(position, ROWS, 1);
        Tensor sequences = ints(sequence, ROWS, 1);
        Tensor q = tensor(ROWS, 6 * 24);
        checkEveryBatch("attention, " + cacheType, 6 * 24, (out, from, to) -> {
            RowBatch rows = new RowBatch(positions.rowRange(from, to), sequences.rowRange(from, to), pages, pageSize);
            queue.attention(out, q.rowRange(from, to), keys, values, rows, spec);
        });
    }

    @Test
    void norm() {
        for (NormSpec.Kind kind : NormSpec.Kind.values()) {
            for (int columns : new int[] {13, 1000}) {
                Tensor x = tensor(ROWS, columns);
                Tensor weight = tensor(1, columns);
                checkEveryBatch(
                        "norm " + kind,
                        columns,
                        (out, from, to) ->
                                queue.norm(out, x.rowRange(from, to), weight, null, new NormSpec(kind, 1e-5f, 0)));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activation(Activation activation) {
        Tensor x = tensor(ROWS, 1003);
        checkEveryBatch(activation.name(), 1003, (out, from, to) -> {
            queue.norm(out, x.rowRange(from, to), ones(1003), null, new NormSpec(NormSpec.Kind.RMS, 1e-5f, 0));
            queue.activate(out, activation);
            queue.softcap(out, 3);
        });
    }

    private Tensor ones(int columns) {
        float[] values = new float[columns];
        Arrays.fill(values, 1);
        return write(values, 1, columns);
    }

    private Tensor cache(DType dtype, int rows, int columns) {
        Tensor cache = backend.allocate(dtype, rows, columns);
        queue.write(cache, RandomWeights.floats(rows * columns, random));
        return cache;
    }

    private Tensor tensor(int rows, int columns) {
        return write(RandomWeights.floats(rows * columns, random), rows, columns);
    }

    private Tensor write(float[] values, int rows, int columns) {
        Tensor tensor = backend.allocate(DType.F32, rows, columns);
        queue.write(tensor, values);
        return tensor;
    }

    private Tensor ints(int[] values, int rows, int columns) {
        Tensor tensor = backend.allocate(DType.I32, rows, columns);
        queue.write(tensor, values);
        return tensor;
    }
}
