package dev.lte.core.contract;

import dev.lte.backend.AdamWSpec;
import dev.lte.backend.DType;
import dev.lte.backend.ParameterState;
import dev.lte.backend.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Norms of gradients, AdamW, and the filling and copying around it. */
interface OptimizerContract extends TrainingContract {
    int[][] SHAPES = {{1, 1}, {1, 33}, {7, 13}, {64, 64}, {3, 4098}, {257, 129}};

    @Test
    default void addsSquaresOfAllTensors() {
        if (trainingTypes().isEmpty()) {
            return;
        }
        rig().compare("squares", 283, side -> {
            List<Tensor> tensors = new ArrayList<>();
            for (int[] shape : SHAPES) {
                tensors.add(side.input(Values.outliers(side.random(), shape[0] * shape[1]), shape[0], shape[1]));
            }
            Output sum = side.changing("sum", DType.F32, new float[] {5}, 1, 1).within(Bound.of(0, 1e-5));
            side.training().addSquares(sum.tensor(), tensors);
            Output none = side.changing("of nothing", DType.F32, new float[] {5}, 1, 1);
            side.training().addSquares(none.tensor(), List.of());
        });
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            rig().compare("squares with " + bad, 283, side -> {
                float[] values = Values.normal(side.random(), 300);
                values[277] = bad;
                Output sum = side.changing("sum", DType.F32, new float[] {0}, 1, 1);
                Output factor = side.output("factor", 1, 1);
                side.training().addSquares(sum.tensor(), List.of(side.input(values, 3, 100)));
                side.training().clipFactor(factor.tensor(), sum.tensor(), 1);
            });
        }
    }

    @Test
    default void clipsToANorm() {
        if (trainingTypes().isEmpty()) {
            return;
        }
        for (float squares : new float[] {0, 1e-20f, 0.25f, 1, 1.0001f, 30, 1e30f}) {
            for (float maxNorm : new float[] {0.1f, 1, 5, Float.POSITIVE_INFINITY}) {
                rig().compare("clip " + squares + " to " + maxNorm, 293, side -> {
                    Output factor = side.output("factor", 1, 1).within(Bound.of(0, Bound.FEW));
                    side.training().clipFactor(factor.tensor(), side.input(new float[] {squares}, 1, 1), maxNorm);
                });
            }
        }
    }

    @Test
    default void stepsWithAndWithoutCopies() {
        for (DType dtype : trainingTypes()) {
            step(dtype, 1, 0);
            step(dtype, 0.3f, 0.1f);
            step(dtype, Float.NaN, 0.1f);
        }
    }

    private void step(DType dtype, float factor, float weightDecay) {
        rig().compare("adamW with copies of " + dtype + ", factor " + factor, 307, side -> {
            AdamWSpec spec = new AdamWSpec(0.9f, 0.999f, 1e-8f, weightDecay);
            List<ParameterState> states = new ArrayList<>();
            for (int[] shape : SHAPES) {
                int count = shape[0] * shape[1];
                float[] square = Values.normal(side.random(), count);
                for (int i = 0; i < count; i++) {
                    // Second moments are not negative; some are still 0.
                    square[i] = i % 7 == 0 ? 0 : square[i] * square[i];
                }
                Bound bound = Bound.of(1e-6, Bound.FEW);
                Output master = side.changing(
                                "master", DType.F32, Values.normal(side.random(), count), shape[0], shape[1])
                        .within(bound);
                Output mean = side.changing("mean", DType.F32, Values.normal(side.random(), count), shape[0], shape[1])
                        .within(bound);
                Output squares = side.changing("square", DType.F32, square, shape[0], shape[1])
                        .within(bound);
                float[] gradient = Values.outliers(side.random(), count);
                Tensor copy = dtype == DType.F32
                        ? null
                        : side.changing("copy", dtype, gradient, shape[0], shape[1])
                                .within(TrainingContract.stored(dtype, bound))
                                .tensor();
                Tensor given = side.input(gradient, shape[0], shape[1]);
                states.add(new ParameterState(master.tensor(), copy, given, mean.tensor(), squares.tensor()));
            }
            Tensor settings = side.input(new float[] {1e-3f, 1.8f, 60}, 1, 3);
            side.training().adamW(states, side.input(new float[] {factor}, 1, 1), settings, spec);
        });
    }

    @Test
    default void fillsAndCopies() {
        for (DType from : trainingTypes()) {
            for (DType to : trainingTypes()) {
                for (int[] shape : SHAPES) {
                    rig().compare("copy " + from + " to " + to, 317, side -> {
                        int count = shape[0] * shape[1];
                        Tensor x = side.input(from, Values.outliers(side.random(), count), shape[0], shape[1]);
                        float[] before = Values.normal(side.random(), count);
                        Output out = side.changing("out", to, before, shape[0], shape[1]);
                        side.training().copy(out.tensor(), x);
                        Output filled = side.changing("filled", to, before, shape[0], shape[1]);
                        side.training().fill(filled.tensor(), count % 2 == 0 ? 0 : -1.25f);
                    });
                }
            }
        }
    }
}
