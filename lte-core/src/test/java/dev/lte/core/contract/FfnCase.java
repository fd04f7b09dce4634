package dev.lte.core.contract;

import com.google.common.base.Supplier;
import com.google.common.base.Suppliers;
import dev.lte.backend.DType;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import dev.lte.backend.Write;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * One feed-forward block of random weights and one pass through it.
 *
 * @param inner type of gate and up
 * @param outer type of down
 * @param biases whether up and down have one
 */
record FfnCase(FfnSpec spec, DType inner, DType outer, boolean biases, int rows, Pattern pattern, Write write) {
    /** Which experts of a row run. */
    enum Pattern {
        /** The dense operation. */
        DENSE,
        NONE,
        /** The sparse operation, with all. */
        ALL,
        ONE,
        HALF,
        /** A row with none, then one with all, one, a few and half. */
        MIXED;

        boolean[] row(int t, int experts, RandomGenerator random) {
            boolean[] active = new boolean[experts];
            switch (this) {
                case DENSE, ALL -> Arrays.fill(active, true);
                case NONE -> {}
                case ONE -> active[random.nextInt(experts)] = true;
                case HALF -> {
                    for (int g = 0; g < experts; g++) {
                        active[g] = random.nextBoolean();
                    }
                }
                case MIXED -> {
                    Pattern[] patterns = {NONE, ALL, ONE, HALF};
                    return patterns[t % patterns.length].row(t, experts, random);
                }
            }
            return active;
        }
    }

    @Override
    public String toString() {
        return spec + " of " + inner + " and " + outer + (biases ? ", biases" : "") + ", T " + rows + ", " + pattern
                + ", " + write;
    }

    void run(Side side, Contract contract) {
        RandomGenerator random = side.random();
        int d = spec.model();
        int f = spec.neurons();
        WeightData gate = spec.gated() ? RandomWeights.matrix(inner, f, d, random) : null;
        WeightData up = RandomWeights.matrix(inner, f, d, random);
        WeightData down = RandomWeights.matrix(outer, d, f, random);
        float[] upBias = biases ? Values.normal(random, f) : new float[f];
        float[] downBias = biases ? Values.normal(random, d) : new float[d];
        FfnWeights weights = side.ffn(new FfnData(
                spec,
                gate,
                up,
                down,
                biases ? RandomWeights.floats(1, f, upBias) : null,
                biases ? RandomWeights.floats(1, d, downBias) : null));
        float[] x = Values.outliers(random, rows * d);
        float[] before = Values.normal(random, rows * d);
        boolean[][] active = new boolean[rows][];
        for (int t = 0; t < rows; t++) {
            active[t] = pattern.row(t, spec.experts(), random);
        }
        Supplier<FfnBound> bound = Suppliers.memoize(() -> new FfnBound(
                spec,
                x,
                gate == null ? null : decode(side, gate),
                decode(side, up),
                decode(side, down),
                upBias,
                contract.rounding(inner, rows),
                contract.rounding(outer, rows)));
        double[][] allowed = new double[rows][];
        Output y = side.changing("y", DType.F32, before, rows, d).within((row, column, expected) -> {
            if (allowed[row] == null) {
                allowed[row] = bound.get().row(row, active[row]);
            }
            double added = Math.abs(before[row * d + column]) + Math.abs(downBias[column]);
            return allowed[row][column] + Bound.FEW * (Math.abs(expected) + added);
        });
        Tensor in = side.input(x, rows, d);
        if (pattern == Pattern.DENSE) {
            side.queue().denseFfn(y.tensor(), in, weights, write);
        } else {
            side.queue().sparseFfn(y.tensor(), in, weights, selection(side, active), write);
        }
    }

    /** Lists with integers from nowhere behind their ends. */
    private ExpertSelection selection(Side side, boolean[][] active) {
        int n = spec.experts();
        int[] lists = new int[rows * n];
        int[] counts = new int[rows];
        for (int t = 0; t < rows; t++) {
            for (int g = 0; g < n; g++) {
                if (active[t][g]) {
                    lists[t * n + counts[t]++] = g;
                }
            }
            for (int i = counts[t]; i < n; i++) {
                lists[t * n + i] = i % 2 == 0 ? Integer.MIN_VALUE + i : Integer.MAX_VALUE - i;
            }
        }
        return new ExpertSelection(side.input(lists, rows, n), side.input(counts, rows, 1));
    }

    private static float[] decode(Side side, WeightData data) {
        return side.read(side.weight(data));
    }
}
