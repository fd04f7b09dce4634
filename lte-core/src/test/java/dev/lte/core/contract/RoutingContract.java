package dev.lte.core.contract;

import dev.lte.backend.DType;
import dev.lte.backend.ExpertSelection;
import dev.lte.backend.Tensor;
import org.junit.jupiter.api.Test;

/** Router scores, and the exact integers that thresholds make of them. */
interface RoutingContract extends Contract {
    int[] EXPERTS = {1, 3, 31, 32, 33, 64, 207, 344, 1025};

    @Test
    default void scoresExpertsWithRoutersOfEveryType() {
        for (DType dtype : weightTypes()) {
            for (int columns : Contract.columns(dtype)) {
                for (int rows : new int[] {1, 3, 17}) {
                    int experts = columns > 1000 ? 33 : 65;
                    rig().compare(
                                    "routerScores " + dtype + ", T " + rows + ", " + experts + " x " + columns,
                                    137,
                                    side -> {
                                        float[] x = Values.outliers(side.random(), rows * columns);
                                        Tensor router = side.weight(
                                                RandomWeights.matrix(dtype, experts, columns, side.random()));
                                        Bound product = Bound.lazily(() -> new ProductBound(
                                                x, side.read(router), columns, r -> rounding(dtype, rows)));
                                        // The slope of the sigmoid is 1/4 at most.
                                        Output scores = side.output("scores", rows, experts)
                                                .within((row, column, expected) ->
                                                        product.allowed(row, column, 0) / 4 + Bound.FEW * expected);
                                        side.queue()
                                                .routerScores(scores.tensor(), side.input(x, rows, columns), router);
                                    });
                }
            }
        }
    }

    @Test
    default void selectsExactlyTheExpertsAboveTheThreshold() {
        float[] thresholds = {0.5f, -1, 0, 1, 0.25f, Float.NaN, 2, Float.NEGATIVE_INFINITY, Math.nextDown(0.5f)};
        for (int experts : EXPERTS) {
            for (int rows : ROWS) {
                float[] own = new float[rows];
                for (int t = 0; t < rows; t++) {
                    own[t] = thresholds[t % thresholds.length];
                }
                select(experts, rows, own);
            }
        }
        for (float threshold : thresholds) {
            select(207, 1, threshold);
        }
    }

    /** Scores that equal a threshold exactly, or miss it by one unit in the last place, are common here. */
    private void select(int experts, int rows, float... thresholds) {
        float[] levels = {0, 0.5f, 1, Math.nextUp(0.5f), Math.nextDown(0.5f), Float.MIN_VALUE, 0.25f, -0f, Float.NaN};
        rig().compare("selectExperts, T " + rows + ", N " + experts, 139, side -> {
            float[] scores = new float[rows * experts];
            for (int i = 0; i < scores.length; i++) {
                scores[i] = side.random().nextBoolean()
                        ? levels[side.random().nextInt(levels.length)]
                        : side.random().nextFloat();
            }
            Output lists = side.integers("experts", rows, experts).undefined();
            Output counts = side.integers("counts", rows, 1);
            Tensor own = side.input(thresholds, rows, 1);
            ExpertSelection selection = new ExpertSelection(lists.tensor(), counts.tensor());
            side.queue().selectExperts(selection, side.input(scores, rows, experts), own);
            side.report("active experts", defined(side, lists, counts), experts, Bound.exact());
        });
    }

    /** The lists, with -1 behind their ends. */
    private static float[] defined(Side side, Output lists, Output counts) {
        int[] list = side.readIntegers(lists.tensor());
        int[] count = side.readIntegers(counts.tensor());
        int experts = lists.tensor().columns();
        float[] values = new float[list.length];
        for (int i = 0; i < list.length; i++) {
            values[i] = i % experts < count[i / experts] ? list[i] : -1;
        }
        return values;
    }
}
