package dev.lte.core.reference;

import dev.lte.backend.Activation;
import dev.lte.backend.Gating;
import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;

/**
 * The neurons of a feed-forward block under the scores of their experts: hidden, gate, up and their gradients (T, F), scores
 * and dscores (T, N), neuron f belonging to expert {@code f / (F / N)}.
 */
final class ReferenceGating {
    private ReferenceGating() {}

    /** {@code hidden = act(gate) * up * r}, or {@code act(up) * r} without a gate. */
    static void forward(
            ReferenceTensor hidden,
            @Nullable ReferenceTensor gate,
            ReferenceTensor up,
            @Nullable ReferenceTensor scores,
            Activation activation,
            Gating gating) {
        for (int t = 0; t < up.rows(); t++) {
            float[] upRow = up.row(t);
            float[] gateRow = gate == null ? null : gate.row(t);
            float[] scoreRow = scores == null ? null : scores.row(t);
            double[] result = new double[upRow.length];
            for (int f = 0; f < upRow.length; f++) {
                result[f] = neuron(gateRow, upRow, f, activation) * factor(scoreRow, f, upRow.length, gating);
            }
            hidden.store(t, result, Write.SET);
        }
    }

    /** Gradients of gate and up, and of the scores where they have one. */
    static void backward(
            @Nullable ReferenceTensor dgate,
            ReferenceTensor dup,
            @Nullable ReferenceTensor dscores,
            ReferenceTensor dhidden,
            @Nullable ReferenceTensor gate,
            ReferenceTensor up,
            @Nullable ReferenceTensor scores,
            Activation activation,
            Gating gating) {
        for (int t = 0; t < up.rows(); t++) {
            float[] upRow = up.row(t);
            float[] gateRow = gate == null ? null : gate.row(t);
            float[] scoreRow = scores == null ? null : scores.row(t);
            float[] dhiddenRow = dhidden.row(t);
            int neurons = upRow.length;
            double[] dgateRow = new double[neurons];
            double[] dupRow = new double[neurons];
            double[] dscoreRow = new double[scores == null ? 1 : scores.columns()];
            for (int f = 0; f < neurons; f++) {
                double dneuron = dhiddenRow[f] * factor(scoreRow, f, neurons, gating);
                if (gateRow == null) {
                    dupRow[f] = dneuron * ReferenceMath.slope(activation, upRow[f]);
                } else {
                    dupRow[f] = dneuron * ReferenceMath.activate(activation, gateRow[f]);
                    dgateRow[f] = dneuron * upRow[f] * ReferenceMath.slope(activation, gateRow[f]);
                }
                dscoreRow[f / (neurons / dscoreRow.length)] += dhiddenRow[f] * neuron(gateRow, upRow, f, activation);
            }
            dup.store(t, dupRow, Write.SET);
            if (dgate != null) {
                dgate.store(t, dgateRow, Write.SET);
            }
            if (dscores != null) {
                dscores.store(t, dscoreRow, Write.SET);
            }
        }
    }

    private static double neuron(float @Nullable [] gate, float[] up, int f, Activation activation) {
        return gate == null
                ? ReferenceMath.activate(activation, up[f])
                : ReferenceMath.activate(activation, gate[f]) * up[f];
    }

    private static double factor(float @Nullable [] scores, int f, int neurons, Gating gating) {
        if (scores == null) {
            return 1;
        }
        float score = scores[f / (neurons / scores.length)];
        return switch (gating.mode()) {
            case NONE -> 1;
            case SOFT -> score;
            case HARD, STRAIGHT_THROUGH -> score > gating.threshold() ? 1 : 0;
        };
    }
}
