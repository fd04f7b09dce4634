package dev.lte.core.contract;

import dev.lte.backend.DType;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import org.junit.jupiter.api.Test;

/** Norms with what their gradients need, residual connections, and rotations. */
interface TrainingNormContract extends TrainingContract {
    @Test
    default void normalisesAndDifferentiatesRowsOfEveryWidth() {
        int number = 0;
        for (DType dtype : trainingTypes()) {
            for (NormSpec.Kind kind : NormSpec.Kind.values()) {
                for (int columns : Contract.columns(DType.F32)) {
                    for (int rows : ROWS) {
                        norm(dtype, new NormSpec(kind, 1e-5f, number % 3 == 0 ? 1 : 0), rows, 1, columns, number++);
                    }
                }
                for (int groups : new int[] {2, 3, 8}) {
                    norm(dtype, new NormSpec(kind, 1e-5f, 0), 5, groups, 13, number++);
                    norm(dtype, new NormSpec(kind, 1e-5f, 1), 17, groups, 64, number++);
                }
                norm(dtype, new NormSpec(kind, 1e-5f, 0), 300, 1, 64, number++);
            }
        }
    }

    @Test
    default void rotatesAndRotatesBack() {
        for (DType dtype : trainingTypes()) {
            for (RopeSpec.Pairing pairing : RopeSpec.Pairing.values()) {
                for (int rows : ROWS) {
                    rotate(dtype, new RopeSpec(16, 16, pairing), rows, 3);
                    rotate(dtype, new RopeSpec(13, 6, pairing), rows, 2);
                    rotate(dtype, new RopeSpec(64, 64, pairing), rows, 1);
                }
            }
        }
    }

    private void rotate(DType dtype, RopeSpec spec, int rows, int heads) {
        rig().compare(spec + ", " + dtype + ", T " + rows, 233, side -> {
            float[] angles = new float[40 * spec.rotated()];
            for (int i = 0; i < angles.length; i += 2) {
                double angle = side.random().nextDouble(6);
                angles[i] = (float) Math.cos(angle);
                angles[i + 1] = (float) Math.sin(angle);
            }
            int columns = heads * spec.headSize();
            Tensor table = side.input(angles, 40, spec.rotated());
            Tensor positions = side.input(Values.integers(side.random(), rows, 0, 40), rows, 1);
            float[] values = Values.normal(side.random(), rows * columns);
            Bound bound = TrainingContract.stored(dtype, Bound.of(4 * Bound.FEW, Bound.FEW));
            Output x = side.changing("x", dtype, values, rows, columns).within(bound);
            Output dx = side.changing("dx", dtype, values, rows, columns).within(bound);
            side.training().rope(x.tensor(), positions, table, spec);
            side.training().ropeBackward(dx.tensor(), positions, table, spec);
        });
    }

    private void norm(DType dtype, NormSpec spec, int rows, int groups, int columns, int number) {
        // The residual stream may be wider than the branches.
        DType stream = number % 2 == 0 ? DType.F32 : dtype;
        boolean residual = number % 3 != 0;
        Write write = Write.values()[number % 2];
        String what = (residual ? "addNorm " : "norm ") + spec + " of " + dtype + " and " + stream + ", T " + rows
                + ", " + groups + " x " + columns + ", " + write;
        Side.Layout layout = Side.Layout.values()[number / 2 % 2];
        rig().compare(what, 239 + number, layout, side -> {
            int width = groups * columns;
            float[] values = Values.outliers(side.random(), rows * width);
            if (columns < 4) {
                // Groups that are nearly constant have gradients of any size.
                for (int i = 0; i < values.length; i++) {
                    values[i] += i % columns * 2;
                }
            }
            Tensor x = side.input(stream, values, rows, width);
            Tensor branch = side.input(dtype, Values.normal(side.random(), rows * width), rows, width);
            Tensor weight = side.input(dtype, Values.normal(side.random(), columns), 1, columns);
            boolean hasBias = spec.kind() == NormSpec.Kind.LAYER;
            Tensor bias = hasBias ? side.input(dtype, Values.normal(side.random(), columns), 1, columns) : null;
            Bound stored = TrainingContract.stored(dtype, Bound.of(1e-4, 2e-5));
            Output out = side.changing("out", dtype, new float[rows * width], rows, width)
                    .within(stored);
            Output statistics = side.output("statistics", rows, 2 * groups).within(Bound.of(2e-5, 2e-5));
            Output sum = side.changing("sum", stream, values, rows, width)
                    .within(TrainingContract.stored(stream, Bound.of(0, Bound.FEW)));
            if (residual) {
                side.training().addNorm(out.tensor(), statistics.tensor(), sum.tensor(), x, branch, weight, bias, spec);
            } else {
                side.training().norm(out.tensor(), statistics.tensor(), x, weight, bias, spec);
            }
            Tensor dout = side.input(dtype, Values.normal(side.random(), rows * width), rows, width);
            float[] exact = exactStatistics(side.read(x), rows, groups, columns, spec);
            Tensor given = side.input(exact, rows, 2 * groups);
            double factor = 1;
            for (int i = 1; i < exact.length; i += 2) {
                factor = Math.max(factor, exact[i]);
            }
            Bound gradient = Bound.of(factor * 1e-4, 2e-5);
            Output dx = side.changing("dx", stream, Values.normal(side.random(), rows * width), rows, width)
                    .within(TrainingContract.stored(stream, gradient));
            Output dweight = side.changing("dweight", DType.F32, new float[columns], 1, columns)
                    .within(TrainingContract.sums(rows * groups, 20));
            Output dbias = side.changing("dbias", DType.F32, new float[columns], 1, columns)
                    .within(TrainingContract.sums(rows * groups, 20));
            side.training()
                    .normBackward(
                            dx.tensor(),
                            dweight.tensor(),
                            hasBias ? dbias.tensor() : null,
                            dout,
                            x,
                            given,
                            weight,
                            spec,
                            write);
        });
    }

    /** Both sides get the same statistics, so that what the forward operation rounds does not count twice. */
    private static float[] exactStatistics(float[] x, int rows, int groups, int columns, NormSpec spec) {
        float[] statistics = new float[rows * groups * 2];
        for (int group = 0; group < rows * groups; group++) {
            double mean = 0;
            for (int i = 0; i < columns && spec.kind() == NormSpec.Kind.LAYER; i++) {
                mean += x[group * columns + i] / (double) columns;
            }
            double squares = 0;
            for (int i = 0; i < columns; i++) {
                squares += Math.pow(x[group * columns + i] - mean, 2) / columns;
            }
            statistics[2 * group] = (float) mean;
            statistics[2 * group + 1] = (float) (1 / Math.sqrt(squares + spec.epsilon()));
        }
        return statistics;
    }
}
