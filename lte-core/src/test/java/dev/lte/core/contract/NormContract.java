package dev.lte.core.contract;

import dev.lte.backend.DType;
import dev.lte.backend.NormSpec;
import dev.lte.backend.Tensor;
import org.junit.jupiter.api.Test;

/** Both normalisations. */
interface NormContract extends Contract {
    /** F32 sums of squares and of values around their mean lose little next to the largest value of a group. */
    Bound NORM = Bound.of(2e-5, 2e-5);

    @Test
    default void normalisesRowsOfEveryWidth() {
        int number = 0;
        for (NormSpec.Kind kind : NormSpec.Kind.values()) {
            for (int columns : Contract.columns(DType.F32)) {
                for (int rows : ROWS) {
                    number++;
                    norm(kind, rows, 1, columns, number % 2 == 0, number % 3 == 0 ? 1 : 0, number % 5 == 0);
                }
            }
        }
    }

    /** As for the queries and keys of models that normalise each head. */
    @Test
    default void normalisesEachGroupOfColumnsByItself() {
        for (NormSpec.Kind kind : NormSpec.Kind.values()) {
            for (int groups : new int[] {2, 3, 8}) {
                norm(kind, 1, groups, 64, false, 0, false);
                norm(kind, 5, groups, 13, true, 1, true);
                norm(kind, 17, groups, 128, true, 0, true);
            }
        }
    }

    @Test
    default void normalisesTinyAndHugeValues() {
        for (NormSpec.Kind kind : NormSpec.Kind.values()) {
            for (float magnitude : new float[] {0, 1e-12f, 1e-4f, 1e4f, 1e12f}) {
                rig().compare("norm " + kind + " of values around " + magnitude, 31, side -> {
                    float[] x = Values.normal(side.random(), 3 * 100);
                    for (int i = 0; i < x.length; i++) {
                        x[i] *= magnitude;
                    }
                    Tensor weight = side.input(Values.normal(side.random(), 100), 1, 100);
                    Output out = side.output("out", 3, 100).within(NORM);
                    NormSpec spec = new NormSpec(kind, 1e-6f, 0);
                    side.queue().norm(out.tensor(), side.input(x, 3, 100), weight, null, spec);
                });
            }
        }
    }

    /** The mean is large next to the deviation, which the difference of mean square and squared mean would lose. */
    @Test
    default void subtractsTheMeanBeforeItSquares() {
        rig().compare("norm LAYER around 1000", 37, side -> {
            float[] x = Values.normal(side.random(), 2 * 768);
            for (int i = 0; i < x.length; i++) {
                x[i] += 1000;
            }
            Tensor weight = side.input(Values.normal(side.random(), 768), 1, 768);
            Output out = side.output("out", 2, 768).within(Bound.of(2e-3, 2e-3));
            NormSpec spec = new NormSpec(NormSpec.Kind.LAYER, 1e-5f, 0);
            side.queue().norm(out.tensor(), side.input(x, 2, 768), weight, null, spec);
        });
    }

    @Test
    default void takesWeightAndBiasOfAModelFile() {
        rig().compare("norm with a weight from Backend.weight", 41, side -> {
            float[] x = Values.outliers(side.random(), 2 * 96);
            Tensor weight = side.weight(RandomWeights.floats(1, 96, Values.normal(side.random(), 96)));
            Tensor bias = side.weight(RandomWeights.floats(1, 96, Values.normal(side.random(), 96)));
            Output out = side.output("out", 2, 96).within(NORM);
            NormSpec spec = new NormSpec(NormSpec.Kind.LAYER, 1e-5f, 0);
            side.queue().norm(out.tensor(), side.input(x, 2, 96), weight, bias, spec);
        });
    }

    private void norm(
            NormSpec.Kind kind, int rows, int groups, int columns, boolean bias, float weightOffset, boolean inPlace) {
        String what = "norm " + kind + ", T " + rows + ", " + groups + " x " + columns + (bias ? ", bias" : "")
                + ", offset " + weightOffset + (inPlace ? ", in place" : "");
        rig().compare(what, 43 + columns, side -> {
            int width = groups * columns;
            float[] x = Values.outliers(side.random(), rows * width);
            Tensor weight = side.input(Values.normal(side.random(), columns), 1, columns);
            Tensor biases = bias ? side.input(Values.normal(side.random(), columns), 1, columns) : null;
            Output out = inPlace ? side.changing("x", DType.F32, x, rows, width) : side.output("out", rows, width);
            out.within(NORM);
            Tensor in = inPlace ? out.tensor() : side.input(x, rows, width);
            side.queue().norm(out.tensor(), in, weight, biases, new NormSpec(kind, 1e-5f, weightOffset));
        });
    }
}
