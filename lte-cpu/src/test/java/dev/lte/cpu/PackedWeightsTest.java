package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.Activation;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import dev.lte.backend.Write;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Packing and the products over packed weights, for every file type and awkward shapes. */
class PackedWeightsTest {
    private static final long SEED = 11;

    private final CpuBackend backend = new CpuBackend(new BackendOptions(3, 0));
    private final KernelQueue queue = backend.openQueue();
    private final Random random = new Random(SEED);

    @AfterEach
    void close() {
        backend.close();
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void multipliesWithEveryTypeThatItSaysItSupports(DType dtype) {
        if (!backend.supportsWeight(dtype)) {
            return;
        }
        int columns = dtype.isQuantized() ? 512 : 77;
        for (int rows : new int[] {1, 15, 16, 50}) {
            WeightData data = RandomWeights.weight(dtype, rows, columns, random);
            float[] values = RandomWeights.decode(data);
            Tensor weight = backend.weight(List.of(data));
            float[] back = new float[values.length];
            queue.read(weight, back);
            for (int i = 0; i < values.length; i++) {
                assertThat((double) back[i])
                        .as("%s [%d], seed %d", data, i, SEED)
                        .isCloseTo(values[i], within(0));
            }
            for (int tokens : new int[] {1, 2, 3, 4, 9, 16, 17}) {
                float[] x = RandomWeights.floats(tokens * columns, random);
                float[] expected = product(x, back, tokens, rows, columns);
                assertThat(linear(weight, x, tokens, Write.SET))
                        .usingElementComparator(PackedWeightsTest::close)
                        .as("%s, %d tokens, seed %d", data, tokens, SEED)
                        .containsExactly(expected);
            }
        }
    }

    private static Offset<Double> within(double offset) {
        return Offset.offset(offset + 1e-12);
    }

    /** Sums of about 500 products of magnitude 0.05 in another order. */
    private static int close(Float a, Float b) {
        return Math.abs(a - b) <= 1e-4f + 1e-5f * Math.abs(b) ? 0 : Float.compare(a, b);
    }

    private static float largest(float[] values) {
        float largest = 0;
        for (float value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    private float[] linear(Tensor weight, float[] x, int tokens, Write write) {
        Tensor in = backend.allocate(DType.F32, tokens, weight.columns());
        Tensor out = backend.allocate(DType.F32, tokens, weight.rows());
        queue.write(in, x);
        queue.linear(out, in, weight, null, write);
        float[] result = new float[tokens * weight.rows()];
        queue.read(out, result);
        return result;
    }

    private static float[] product(float[] x, float[] w, int tokens, int rows, int columns) {
        float[] out = new float[tokens * rows];
        for (int t = 0; t < tokens; t++) {
            for (int r = 0; r < rows; r++) {
                double sum = 0;
                for (int c = 0; c < columns; c++) {
                    sum += (double) x[t * columns + c] * w[r * columns + c];
                }
                out[t * rows + r] = (float) sum;
            }
        }
        return out;
    }

    @Test
    void stacksPartsOfDifferentTypesAndSelectsRowsAcrossThem() {
        List<WeightData> parts = List.of(
                RandomWeights.weight(DType.Q8_0, 40, 64, random),
                RandomWeights.weight(DType.F32, 5, 64, random),
                RandomWeights.weight(DType.Q4_0, 33, 64, random));
        Tensor weight = backend.weight(parts);
        float[] all = new float[78 * 64];
        queue.read(weight, all);
        for (int[] range : new int[][] {{0, 78}, {3, 42}, {39, 46}, {44, 78}, {50, 51}, {60, 60}}) {
            float[] selected = Arrays.copyOfRange(all, range[0] * 64, range[1] * 64);
            for (int tokens : new int[] {1, 6}) {
                float[] x = RandomWeights.floats(tokens * 64, random);
                assertThat(linear(weight.rowRange(range[0], range[1]), x, tokens, Write.SET))
                        .usingElementComparator(PackedWeightsTest::close)
                        .as("rows %d to %d, %d tokens, seed %d", range[0], range[1], tokens, SEED)
                        .containsExactly(product(x, selected, tokens, range[1] - range[0], 64));
            }
        }
    }

    @Test
    void selectsColumnsOfPlainTypes() {
        for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
            WeightData data = RandomWeights.weight(dtype, 21, 40, random);
            float[] values = RandomWeights.decode(data);
            float[] selected = new float[21 * 30];
            for (int r = 0; r < 21; r++) {
                System.arraycopy(values, r * 40 + 7, selected, r * 30, 30);
            }
            float[] x = RandomWeights.floats(5 * 30, random);
            assertThat(linear(backend.weight(data).columnRange(7, 37), x, 5, Write.SET))
                    .usingElementComparator(PackedWeightsTest::close)
                    .as("%s, seed %d", dtype, SEED)
                    .containsExactly(product(x, selected, 5, 21, 30));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 16, 17, 70})
    void runsOnlyTheExpertsOfEachRow(int tokens) {
        record Shape(int model, int experts, int size, boolean gated, boolean biased, DType projections, DType down) {}
        List<Shape> shapes = List.of(
                new Shape(64, 7, 32, true, false, DType.Q8_0, DType.Q8_0),
                new Shape(96, 8, 32, true, false, DType.Q4_0, DType.Q8_0),
                new Shape(33, 6, 20, true, false, DType.F32, DType.F32),
                new Shape(40, 3, 8, false, true, DType.BF16, DType.F16),
                new Shape(64, 8, 16, true, false, DType.Q4_0, DType.Q4_0),
                new Shape(256, 8, 32, true, false, DType.Q4_K, DType.Q6_K),
                new Shape(256, 16, 16, true, false, DType.Q6_K, DType.Q4_K),
                new Shape(512, 4, 128, false, true, DType.Q4_K, DType.Q4_K),
                new Shape(33, 32, 8, false, false, DType.F32, DType.Q6_K),
                new Shape(160, 2, 64, false, true, DType.Q8_0, DType.Q4_0));
        for (Shape shape : shapes) {
            int neurons = shape.experts() * shape.size();
            FfnSpec spec = new FfnSpec(shape.model(), neurons, shape.size(), Activation.SILU, shape.gated());
            FfnData data = new FfnData(
                    spec,
                    shape.gated() ? RandomWeights.weight(shape.projections(), neurons, shape.model(), random) : null,
                    RandomWeights.weight(shape.projections(), neurons, shape.model(), random),
                    RandomWeights.weight(shape.down(), shape.model(), neurons, random),
                    shape.biased() ? RandomWeights.weight(DType.F32, 1, neurons, random) : null,
                    shape.biased() ? RandomWeights.weight(DType.F32, 1, shape.model(), random) : null);
            checkFfn(data, tokens, shape.experts());
        }
    }

    private void checkFfn(FfnData data, int tokens, int experts) {
        int model = data.spec().model();
        CpuFfn weights = (CpuFfn) backend.ffn(data);
        float[] x = RandomWeights.floats(tokens * model, random);
        Tensor in = backend.allocate(DType.F32, tokens, model);
        Tensor out = backend.allocate(DType.F32, tokens, model);
        queue.write(in, x);
        ExpertSelection selection = new ExpertSelection(
                backend.allocate(DType.I32, tokens, experts), backend.allocate(DType.I32, tokens, 1));
        int[] lists = new int[tokens * experts];
        int[] counts = new int[tokens];
        List<List<Integer>> wanted = new ArrayList<>();
        for (int t = 0; t < tokens; t++) {
            List<Integer> active = new ArrayList<>();
            for (int e = 0; e < experts; e++) {
                if (t != 1 && random.nextBoolean()) {
                    lists[t * experts + active.size()] = e;
                    active.add(e);
                }
            }
            counts[t] = active.size();
            wanted.add(active);
        }
        queue.write(selection.experts(), lists);
        queue.write(selection.counts(), counts);
        queue.sparseFfn(out, in, weights, selection, Write.SET);
        float[] once = new float[tokens * model];
        queue.read(out, once);
        compare(once, x, data, wanted, "sparse");
        queue.sparseFfn(out, in, weights, selection, Write.ADD);
        float[] twice = new float[tokens * model];
        queue.read(out, twice);
        for (int i = 0; i < twice.length; i++) {
            assertThat((double) twice[i]).isCloseTo(2 * once[i], within(1e-5));
        }
        List<List<Integer>> all = new ArrayList<>();
        for (int t = 0; t < tokens; t++) {
            all.add(IntStream.range(0, experts).boxed().toList());
        }
        queue.denseFfn(out, in, weights, Write.SET);
        queue.read(out, once);
        compare(once, x, data, all, "dense");
    }

    private void compare(float[] found, float[] x, FfnData data, List<List<Integer>> wanted, String run) {
        FfnSpec spec = data.spec();
        int model = spec.model();
        int size = spec.expertSize();
        WeightData gateData = data.gate();
        float[] gate = gateData == null ? null : RandomWeights.decode(gateData);
        float[] up = RandomWeights.decode(data.up());
        float[] down = RandomWeights.decode(data.down());
        WeightData upBiasData = data.upBias();
        WeightData downBiasData = data.downBias();
        double tolerance = 2e-4;
        for (int t = 0; t < wanted.size(); t++) {
            double[] y = new double[model];
            double magnitude = 0;
            for (int e : wanted.get(t)) {
                for (int m = e * size; m < (e + 1) * size; m++) {
                    double u = upBiasData == null ? 0 : RandomWeights.decode(upBiasData)[m];
                    double g = 0;
                    for (int d = 0; d < model; d++) {
                        u += (double) up[m * model + d] * x[t * model + d];
                        g += gate == null ? 0 : (double) gate[m * model + d] * x[t * model + d];
                    }
                    double h = gate == null ? u / (1 + Math.exp(-u)) : g / (1 + Math.exp(-g)) * u;
                    magnitude += h * h;
                    for (int d = 0; d < model; d++) {
                        y[d] += h * down[d * spec.neurons() + m];
                    }
                }
            }
            double limit = tolerance * Math.max(0.05, Math.sqrt(magnitude) * largest(down));
            for (int d = 0; d < model; d++) {
                double expected = y[d] + (downBiasData == null ? 0 : RandomWeights.decode(downBiasData)[d]);
                assertThat((double) found[t * model + d])
                        .as("%s %s, row %d of %d, column %d, seed %d", run, spec, t, wanted.size(), d, SEED)
                        .isCloseTo(expected, within(limit));
            }
        }
    }
}
