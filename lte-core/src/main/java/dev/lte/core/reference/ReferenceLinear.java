package dev.lte.core.reference;

import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;

/** Products with a weight: {@code out[t][r] = sum over i of weight[r][i] * x[t][i]}; double sums of exactly decoded weights. */
final class ReferenceLinear {
    private ReferenceLinear() {}

    /** {@code out = x weight^T + bias}: out (T, R), x (T, C), weight (R, C), bias (1, R). */
    static void linear(
            ReferenceTensor out,
            ReferenceTensor x,
            ReferenceTensor weight,
            @Nullable ReferenceTensor bias,
            Write write) {
        double[][] result = product(x, weight);
        float[] offsets = bias == null ? new float[weight.rows()] : bias.row(0);
        for (int t = 0; t < out.rows(); t++) {
            for (int r = 0; r < offsets.length; r++) {
                result[t][r] += offsets[r];
            }
            out.store(t, result[t], write);
        }
    }

    /** {@code scores[t][g] = sigmoid(router[g] . x[t])}: scores (T, N), x (T, D), router (N, D); LTE, equation 1. */
    static void routerScores(ReferenceTensor scores, ReferenceTensor x, ReferenceTensor router) {
        double[][] result = product(x, router);
        for (int t = 0; t < scores.rows(); t++) {
            for (int g = 0; g < router.rows(); g++) {
                result[t][g] = ReferenceMath.sigmoid(result[t][g]);
            }
            scores.store(t, result[t], Write.SET);
        }
    }

    private static double[][] product(ReferenceTensor x, ReferenceTensor weight) {
        float[][] inputs = x.allRows();
        double[][] result = new double[inputs.length][weight.rows()];
        float[] row = new float[weight.columns()];
        for (int r = 0; r < weight.rows() && inputs.length > 0; r++) {
            weight.readRow(r, row);
            for (int t = 0; t < inputs.length; t++) {
                result[t][r] = ReferenceMath.dot(row, inputs[t], row.length);
            }
        }
        return result;
    }
}
