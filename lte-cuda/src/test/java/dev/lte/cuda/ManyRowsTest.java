package dev.lte.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lte.backend.Activation;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import dev.lte.backend.Write;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** Prompts long enough for the kernels that need many rows, which the contract's shapes do not reach; rows at random and at edges. */
@EnabledIf("dev.lte.cuda.CudaBackendContractTest#isDeviceHere")
class ManyRowsTest {
    private static final int SEED = 11;

    /** No whole tiles, but enough of them to keep a device with 132 multiprocessors busy. */
    private static final int T = 2000;

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final Backend backend = new CudaBackendProvider().open(BackendOptions.defaults());
    private final KernelQueue queue = backend.openQueue();

    @AfterEach
    void close() {
        backend.close();
    }

    @Test
    void productsOfManyRows() {
        int columns = 72;
        int outputs = 1990;
        for (DType dtype : new DType[] {DType.BF16, DType.F16}) {
            float[] x = uniform(T * columns);
            float[] w = uniform(outputs * columns);
            float[] bias = uniform(outputs);
            Tensor in = floats(T, columns, x);
            Tensor weight = backend.weight(weight(outputs, columns, dtype, w));
            Tensor biases = backend.weight(weight(1, outputs, DType.F32, bias));
            Tensor out = floats(T, outputs, new float[T * outputs]);
            queue.linear(out, in, weight, null, Write.SET);
            queue.linear(out, in, weight, biases, Write.ADD);
            float[] found = read(out);
            for (int t : rows(T)) {
                for (int r = 0; r < outputs; r++) {
                    double sum = 0;
                    for (int k = 0; k < columns; k++) {
                        sum += (double) brain(x[t * columns + k]) * brain(w[r * columns + k]);
                    }
                    // F32 sums of 72 products below 1.
                    assertThat(found[t * outputs + r])
                            .as("seed %d, %s, row %d, output %d", SEED, dtype, t, r)
                            .isCloseTo((float) (2 * sum + bias[r]), within(1e-4f));
                }
            }
        }
    }

    @Test
    void feedForwardOfManyRows() {
        for (int size : new int[] {16, 32, 64, 128}) {
            feedForward(new FfnSpec(1976, 1024, size, Activation.SILU, true), DType.BF16, size == 32);
        }
        feedForward(new FfnSpec(1976, 1024, 32, Activation.GELU_TANH, true), DType.F16, true);
        feedForward(new FfnSpec(1976, 1024, 1024, Activation.SILU, true), DType.BF16, false);
        for (Activation activation : Activation.values()) {
            feedForward(new FfnSpec(1976, 2048, 64, activation, false), DType.BF16, activation == Activation.RELU);
        }
    }

    private void feedForward(FfnSpec spec, DType dtype, boolean routed) {
        int d = spec.model();
        int f = spec.neurons();
        int n = spec.experts();
        float[] x = uniform(T * d);
        float[] gate = spec.gated() ? scaled(f * d, d) : null;
        float[] up = scaled(f * d, d);
        float[] down = scaled(d * f, f);
        float[] upBias = spec.gated() ? null : uniform(f);
        float[] downBias = spec.gated() ? null : uniform(d);
        FfnWeights weights = backend.ffn(new FfnData(
                spec,
                gate == null ? null : weight(f, d, dtype, gate),
                weight(f, d, dtype, up),
                weight(d, f, dtype, down),
                upBias == null ? null : weight(1, f, DType.F32, upBias),
                downBias == null ? null : weight(1, d, DType.F32, downBias)));
        Tensor in = floats(T, d, x);
        float[] before = uniform(T * d);
        Tensor y = floats(T, d, before);
        int[] experts = new int[T * n];
        int[] counts = new int[T];
        boolean[] on = new boolean[T * n];
        for (int t = 0; t < T; t++) {
            for (int g = 0; g < n; g++) {
                if (!routed || random.nextBoolean()) {
                    on[t * n + g] = true;
                    experts[t * n + counts[t]++] = g;
                }
            }
        }
        if (routed) {
            queue.sparseFfn(
                    y, in, weights, new ExpertSelection(integers(T, n, experts), integers(T, 1, counts)), Write.ADD);
        } else {
            queue.denseFfn(y, in, weights, Write.ADD);
        }
        float[] found = read(y);
        double[] hidden = new double[f];
        for (int t : rows(T)) {
            for (int i = 0; i < f; i++) {
                double u = dot(x, t * d, up, i * d, d) + (upBias == null ? 0 : upBias[i]);
                double h = gate == null
                        ? activate(spec.activation(), u)
                        : activate(spec.activation(), dot(x, t * d, gate, i * d, d)) * u;
                hidden[i] = on[t * n + i / spec.expertSize()] ? h : 0;
            }
            double error = 0;
            double size = 0;
            for (int j = 0; j < d; j++) {
                double sum = before[t * d + j] + (downBias == null ? 0 : downBias[j]);
                for (int i = 0; i < f; i++) {
                    sum += hidden[i] * brain(down[j * f + i]);
                }
                error += Math.pow(found[t * d + j] - sum, 2);
                size += sum * sum;
            }
            // Hidden activations, and products in front of them, are rounded to 8 bits.
            assertThat(Math.sqrt(error / size))
                    .as("seed %d, %s, %s, row %d", SEED, spec, dtype, t)
                    .isLessThan(0x1p-8);
        }
        backend.free(y);
        backend.free(in);
    }

    @Test
    void attentionOfManyRows() {
        attention(new AttentionSpec(8, 2, 128, 0.09f, true, 0, 0), 32, 1, 17, 300);
        attention(new AttentionSpec(4, 4, 64, 0.12f, true, 100, 0), 8, 3, 150, 401);
        attention(new AttentionSpec(4, 2, 128, 0.09f, false, 0, 20), 64, 2, 0, 333);
        attention(new AttentionSpec(4, 4, 64, 0.12f, true, 0, 0), 128, 70, 3, 140);
        attention(new AttentionSpec(2, 2, 128, 0.09f, true, 0, 0), 48, 1, 0, 1024);
    }

    /** {@code count} rows of so many sequences, each after {@code before} others, in a cache that holds NaN wherever nobody looks. */
    private void attention(AttentionSpec spec, int page, int sequences, int before, int count) {
        int e = spec.headSize();
        int k = spec.keyValueHeads() * e;
        int h = spec.heads() * e;
        int each = Math.ceilDiv(before + Math.ceilDiv(count, sequences), page);
        int[] pages = new int[sequences * each];
        Arrays.setAll(pages, i -> pages.length - 1 - i);
        int cacheRows = pages.length * page;
        int[] positions = new int[count];
        int[] owners = new int[count];
        int[] lengths = new int[sequences];
        Arrays.fill(lengths, before);
        for (int i = 0; i < count; i++) {
            owners[i] = i * sequences / count;
            positions[i] = lengths[owners[i]]++;
        }
        float[] keys = new float[cacheRows * k];
        float[] values = new float[cacheRows * k];
        Arrays.fill(keys, Float.NaN);
        Arrays.fill(values, Float.NaN);
        for (int s = 0; s < sequences; s++) {
            for (int p = 0; p < lengths[s]; p++) {
                int row = pages[s * each + p / page] * page + p % page;
                if (spec.window() > 0 && p < before - spec.window()) {
                    continue;
                }
                for (int i = 0; i < k; i++) {
                    keys[row * k + i] = half((float) (4 * random.nextDouble() - 2));
                    values[row * k + i] = half((float) (2 * random.nextDouble() - 1));
                }
            }
        }
        Tensor keyCache = backend.allocate(DType.F16, cacheRows, k);
        Tensor valueCache = backend.allocate(DType.F16, cacheRows, k);
        int[] identity = new int[pages.length];
        int[] all = new int[cacheRows];
        Arrays.setAll(identity, i -> i);
        Arrays.setAll(all, i -> i);
        RowBatch filling = new RowBatch(
                integers(cacheRows, 1, all),
                integers(cacheRows, 1, new int[cacheRows]),
                integers(1, pages.length, identity),
                page);
        queue.appendKeyValue(keyCache, valueCache, floats(cacheRows, k, keys), floats(cacheRows, k, values), filling);
        float[] q = uniform(count * h);
        Tensor out = floats(count, h, new float[count * h]);
        RowBatch rows = new RowBatch(
                integers(count, 1, positions), integers(count, 1, owners), integers(sequences, each, pages), page);
        queue.attention(out, floats(count, h, q), keyCache, valueCache, rows, spec);
        float[] found = read(out);
        for (int t : rows(count)) {
            int s = owners[t];
            int end = spec.causal() ? positions[t] + 1 : lengths[s];
            int start = spec.window() > 0 ? Math.max(0, positions[t] - spec.window() + 1) : 0;
            for (int head = 0; head < spec.heads(); head++) {
                int at = head / (spec.heads() / spec.keyValueHeads()) * e;
                double[] sum = new double[e];
                double whole = 0;
                for (int p = start; p < end; p++) {
                    int row = (pages[s * each + p / page] * page + p % page) * k + at;
                    double score = 0;
                    for (int i = 0; i < e; i++) {
                        score += (double) q[t * h + head * e + i] * keys[row + i];
                    }
                    score *= spec.scale();
                    double weight =
                            Math.exp(spec.softcap() > 0 ? spec.softcap() * Math.tanh(score / spec.softcap()) : score);
                    whole += weight;
                    for (int i = 0; i < e; i++) {
                        sum[i] += weight * values[row + i];
                    }
                }
                for (int i = 0; i < e; i++) {
                    // Values are below 1; queries and weights are rounded to 11 bits.
                    assertThat((double) found[t * h + head * e + i])
                            .as("seed %d, %s, page %d, row %d, head %d", SEED, spec, page, t, head)
                            .isCloseTo(sum[i] / whole, within(4e-3));
                }
            }
        }
    }

    /** Some of so many rows, the first and the last among them. */
    private int[] rows(int count) {
        return IntStream.concat(IntStream.of(0, 127, 128, count - 1), random.ints(8, 0, count))
                .toArray();
    }

    private static double activate(Activation activation, double x) {
        return switch (activation) {
            case SILU -> x / (1 + Math.exp(-x));
            case GELU -> x * (1 + erf(x / Math.sqrt(2))) / 2;
            case GELU_TANH -> x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))) / 2;
            case RELU -> Math.max(x, 0);
            case TANH -> Math.tanh(x);
        };
    }

    /** By its series, which small arguments need few terms of. */
    private static double erf(double x) {
        double sum = 0;
        double term = x;
        for (int n = 0; n < 200; n++) {
            sum += term / (2 * n + 1);
            term *= -x * x / (n + 1);
        }
        return 2 / Math.sqrt(Math.PI) * sum;
    }

    private static double dot(float[] x, int from, float[] w, int start, int count) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += (double) brain(x[from + i]) * brain(w[start + i]);
        }
        return sum;
    }

    /** To BF16, nearest even. */
    private static float brain(float x) {
        int bits = Float.floatToRawIntBits(x);
        return Float.intBitsToFloat((bits + 0x7fff + (bits >>> 16 & 1)) & 0xffff0000);
    }

    private static float half(float x) {
        return Float.float16ToFloat(Float.floatToFloat16(x));
    }

    private float[] uniform(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (2 * random.nextDouble() - 1);
        }
        return values;
    }

    private float[] scaled(int count, int columns) {
        float[] values = uniform(count);
        float scale = (float) (2 / Math.sqrt(columns));
        for (int i = 0; i < count; i++) {
            values[i] *= scale;
        }
        return values;
    }

    private float[] read(Tensor tensor) {
        float[] values = new float[tensor.rows() * tensor.columns()];
        queue.read(tensor, values);
        return values;
    }

    private Tensor floats(int rows, int columns, float[] values) {
        Tensor tensor = backend.allocate(DType.F32, rows, columns);
        queue.write(tensor, values);
        return tensor;
    }

    private Tensor integers(int rows, int columns, int[] values) {
        Tensor tensor = backend.allocate(DType.I32, rows, columns);
        queue.write(tensor, values);
        return tensor;
    }

    /** Weights that are rounded on the way to F16 are BF16 before, so that both types hold the same. */
    private static WeightData weight(int rows, int columns, DType dtype, float[] values) {
        MemorySegment segment = Arena.ofAuto().allocate((long) dtype.blockBytes() * values.length, 16);
        for (int i = 0; i < values.length; i++) {
            switch (dtype) {
                case F32 -> segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, values[i]);
                case F16 -> segment.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(brain(values[i])));
                default ->
                    segment.setAtIndex(
                            ValueLayout.JAVA_SHORT, i, (short) (Float.floatToRawIntBits(brain(values[i])) >>> 16));
            }
        }
        return new WeightData("random", dtype, rows, columns, segment);
    }
}
