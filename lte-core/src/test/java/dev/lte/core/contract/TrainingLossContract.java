package dev.lte.core.contract;

import dev.lte.backend.DType;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Losses and their gradients. */
interface TrainingLossContract extends TrainingContract {
    @Test
    default void losesOverVocabulariesOfEverySize() {
        for (DType dtype : trainingTypes()) {
            for (int rows : ROWS) {
                for (int vocabulary : new int[] {1, 2, 3, 17, 33, 64, 207, 4098}) {
                    crossEntropy(dtype, rows, vocabulary);
                }
            }
            crossEntropy(dtype, 300, 65);
        }
    }

    @Test
    default void losesAgainstATeacher() {
        for (DType dtype : trainingTypes()) {
            for (int rows : ROWS) {
                for (float temperature : new float[] {1, 2.5f}) {
                    distillation(dtype, rows, 65, temperature);
                }
            }
        }
    }

    @Test
    default void measuresRouting() {
        if (trainingTypes().isEmpty()) {
            return;
        }
        for (int rows : ROWS) {
            for (int experts : SIZES) {
                for (RoutingLossSpec.Efficiency efficiency : RoutingLossSpec.Efficiency.values()) {
                    routing(rows, experts, new RoutingLossSpec(efficiency, 0.5f, 1e-3f));
                }
            }
        }
        routing(700, 24, new RoutingLossSpec(RoutingLossSpec.Efficiency.SQUARED, 0.5f, 1e-4f));
    }

    private void routing(int rows, int experts, RoutingLossSpec spec) {
        rig().compare(spec + ", T " + rows + ", N " + experts, 271, side -> {
            float[] values = new float[rows * experts];
            for (int i = 0; i < values.length; i++) {
                values[i] = side.random().nextInt(5) == 0 ? 0.5f : side.random().nextFloat();
            }
            float[] weights = weights(side, rows);
            for (int t = 0; t < rows; t++) {
                if (weights[t] == 0) {
                    Arrays.fill(values, t * experts, (t + 1) * experts, Float.NaN);
                }
            }
            Tensor scores = side.input(values, rows, experts);
            Tensor rowWeights = side.input(weights, rows, 1);
            float[] before = Values.normal(side.random(), rows * experts);
            // A separation of 1000 changes by 1e-3 for an error of 1e-9 in the distance.
            Output losses = side.changing("losses", DType.F32, new float[] {1, 2, 3}, 1, 3)
                    .within(Bound.of(1e-5, 1e-5));
            Output dscores =
                    side.changing("dscores", DType.F32, before, rows, experts).within(Bound.of(1e-5, 4e-5));
            Tensor factors = side.input(new float[] {0.7f, 0.01f}, 1, 2);
            side.training().routingLoss(losses.tensor(), dscores.tensor(), scores, rowWeights, factors, spec);
            side.training().routingLoss(losses.tensor(), null, scores, rowWeights, null, spec);
        });
    }

    private void crossEntropy(DType dtype, int rows, int vocabulary) {
        rig().compare("crossEntropy " + dtype + ", T " + rows + ", V " + vocabulary, 277, side -> {
            float[] values = Values.outliers(side.random(), rows * vocabulary);
            float[] weights = weights(side, rows);
            int[] ids = Values.integers(side.random(), rows, -1, vocabulary);
            for (int t = 0; t < rows; t++) {
                if (weights[t] == 0 || ids[t] < 0) {
                    Arrays.fill(values, t * vocabulary, (t + 1) * vocabulary, Float.NaN);
                }
            }
            Tensor logits = side.input(dtype, values, rows, vocabulary);
            Tensor targets = side.input(ids, rows, 1);
            Tensor rowWeights = side.input(weights, rows, 1);
            Output loss =
                    side.changing("loss", DType.F32, new float[] {1}, 1, 1).within(Bound.of(1e-5, 2e-5));
            Bound bound = TrainingContract.stored(dtype, Bound.of(1e-6, 2e-5));
            Output dlogits =
                    side.changing("dlogits", dtype, values, rows, vocabulary).within(bound);
            Output inPlace =
                    side.changing("logits", dtype, values, rows, vocabulary).within(bound);
            side.training().crossEntropy(loss.tensor(), dlogits.tensor(), logits, targets, rowWeights);
            side.training().crossEntropy(loss.tensor(), null, logits, targets, rowWeights);
            side.training().crossEntropy(loss.tensor(), inPlace.tensor(), inPlace.tensor(), targets, rowWeights);
        });
    }

    private void distillation(DType dtype, int rows, int vocabulary, float temperature) {
        rig().compare("distillation " + dtype + ", T " + rows + ", at " + temperature, 281, side -> {
            float[] values = Values.outliers(side.random(), rows * vocabulary);
            Tensor logits = side.input(dtype, values, rows, vocabulary);
            float[] wanted = Values.outliers(side.random(), rows * vocabulary);
            Tensor teacher = side.input(dtype, wanted, rows, vocabulary);
            Tensor rowWeights = side.input(weights(side, rows), rows, 1);
            Output loss =
                    side.changing("loss", DType.F32, new float[] {1}, 1, 1).within(Bound.of(1e-5, 2e-5));
            Bound bound = TrainingContract.stored(dtype, Bound.of(1e-5, 2e-5));
            Output dlogits =
                    side.changing("dlogits", dtype, values, rows, vocabulary).within(bound);
            side.training()
                    .distillation(loss.tensor(), dlogits.tensor(), logits, teacher, rowWeights, temperature, Write.ADD);
            Output inPlace =
                    side.changing("logits", dtype, values, rows, vocabulary).within(bound);
            side.training()
                    .distillation(
                            loss.tensor(),
                            inPlace.tensor(),
                            inPlace.tensor(),
                            teacher,
                            rowWeights,
                            temperature,
                            Write.SET);
        });
    }

    /** Shares that add up to about 1; one in four is 0. */
    private static float[] weights(Side side, int rows) {
        float[] weights = new float[rows];
        for (int t = 0; t < rows; t++) {
            weights[t] = side.random().nextInt(4) == 0 ? 0 : (1 + side.random().nextFloat()) / rows;
        }
        return weights;
    }
}
