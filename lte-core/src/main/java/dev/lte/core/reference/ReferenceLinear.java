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

    /** {@code dlogits = dscores * scores * (1 - scores)}, all (T, N). */
    static void routerScoresBackward(ReferenceTensor dlogits, ReferenceTensor dscores, ReferenceTensor scores) {
        for (int t = 0; t < scores.rows(); t++) {
            float[] score = scores.row(t);
            float[] dscore = dscores.row(t);
            double[] result = new double[score.length];
            for (int g = 0; g < score.length; g++) {
                result[g] = dscore[g] * (double) score[g] * (1.0 - score[g]);
            }
            dlogits.store(t, result, Write.SET);
        }
    }

    /** {@code dx = dout weight}: dx (T, C), dout (T, R), weight (R, C). */
    static void backwardInput(ReferenceTensor dx, ReferenceTensor dout, ReferenceTensor weight, Write write) {
        float[][] weights = weight.allRows();
        for (int t = 0; t < dx.rows(); t++) {
            float[] row = dout.row(t);
            double[] result = new double[dx.columns()];
            for (int r = 0; r < row.length; r++) {
                for (int c = 0; c < result.length; c++) {
                    result[c] += (double) row[r] * weights[r][c];
                }
            }
            dx.store(t, result, write);
        }
    }

    /** {@code dweight += dout^T x}, {@code dbias += sum of dout}: dweight (R, C), dbias (1, R), dout (T, R), x (T, C). */
    static void backwardWeight(
            ReferenceTensor dweight, @Nullable ReferenceTensor dbias, ReferenceTensor dout, ReferenceTensor x) {
        float[][] douts = dout.allRows();
        float[][] inputs = x.allRows();
        double[] sums = new double[dweight.rows()];
        for (int r = 0; r < sums.length; r++) {
            double[] result = new double[dweight.columns()];
            for (int t = 0; t < inputs.length; t++) {
                sums[r] += douts[t][r];
                for (int c = 0; c < result.length; c++) {
                    result[c] += (double) douts[t][r] * inputs[t][c];
                }
            }
            dweight.store(r, result, Write.ADD);
        }
        if (dbias != null) {
            dbias.store(0, sums, Write.ADD);
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
