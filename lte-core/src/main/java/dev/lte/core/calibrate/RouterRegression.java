package dev.lte.core.calibrate;

import dev.lte.InvalidRequestException;
import java.util.Arrays;

/**
 * A router without training: ridge regression from FFN inputs to expert scores. Its product with an input is positive where the
 * expert's predicted score is above the threshold, so that it routes as a trained LTE router does at tau = 0.5.
 *
 * <p>{@code W = (X'X + ridge x mean diagonal x I)^-1 X'Y}, where Y is the logarithm of score over threshold, within limits.
 * Routers have no bias; inputs of FFNs carry directions that hardly change (RMSNorm keeps their length), which serve as one.
 */
public final class RouterRegression {
    /** Logarithms beyond this say no more than on or off. */
    private static final double LIMIT = 3;
    /** Tokens that are added at once, so that the sums are read and written a fourth as often. */
    private static final int BLOCK = 4;

    private RouterRegression() {}

    /**
     * @param sample inputs and scores
     * @param threshold score from which on an expert shall run, above 0
     * @param ridge weight of the penalty, above 0; 0.01 is usual
     * @return (N, D), row by row
     * @throws InvalidRequestException if the sample is empty or an option out of range
     */
    public static float[] fit(RouterSample sample, float threshold, double ridge) {
        double[][] rows = solve(sample, threshold, ridge);
        return flat(rows, sample.experts());
    }

    /**
     * As {@link #fit}, but the share of (token, expert) pairs of the sample that are off is the sparsity wanted: regression shrinks
     * predictions, so that the threshold of the scores is not that of their predictions. All logits are moved by one number,
     * along the direction whose product with inputs is nearest to 1.
     *
     * @param sparsity 0 to 1
     */
    public static float[] fitTo(RouterSample sample, double sparsity, double ridge) {
        float threshold = Math.max(sample.threshold(sparsity), Float.MIN_NORMAL);
        double[][] rows = solve(sample, threshold, ridge);
        shift(sample, rows, sparsity);
        return flat(rows, sample.experts());
    }

    /**
     * Moves the logits of a router so that a share of the sample's (token, expert) pairs is off.
     *
     * @param router (N, D)
     */
    public static float[] shifted(RouterSample sample, float[] router, double sparsity, double ridge) {
        double[][] rows = solve(sample, 1, ridge);
        for (int n = 0; n < sample.experts(); n++) {
            for (int d = 0; d < sample.model(); d++) {
                rows[n][d] = router[n * sample.model() + d];
            }
        }
        shift(sample, rows, sparsity);
        return flat(rows, sample.experts());
    }

    private static void shift(RouterSample sample, double[][] rows, double sparsity) {
        int experts = sample.experts();
        double[] constant = rows[experts];
        // A logit less c x constant is positive exactly while c is below logit / constant; constant is about 1.
        double[] turns = new double[sample.size() * experts];
        for (int t = 0; t < sample.size(); t++) {
            float[] x = sample.input(t);
            double one = Math.max(0.05, dot(constant, x));
            for (int n = 0; n < experts; n++) {
                turns[t * experts + n] = dot(rows[n], x) / one;
            }
        }
        Arrays.sort(turns);
        int off = (int) Math.round(sparsity * turns.length);
        double by =
                off == 0 ? turns[0] - 1 : off == turns.length ? turns[off - 1] + 1 : (turns[off - 1] + turns[off]) / 2;
        for (int n = 0; n < experts; n++) {
            add(rows[n], constant, -by, constant.length);
        }
    }

    private static double dot(double[] row, float[] x) {
        double sum = 0;
        for (int d = 0; d < x.length; d++) {
            sum += row[d] * x[d];
        }
        return sum;
    }

    private static float[] flat(double[][] rows, int experts) {
        int model = rows[0].length;
        float[] router = new float[experts * model];
        for (int n = 0; n < experts; n++) {
            for (int d = 0; d < model; d++) {
                router[n * model + d] = (float) rows[n][d];
            }
        }
        return router;
    }

    /** (N + 1, D): the router, and the direction whose product with inputs is nearest to 1. */
    private static double[][] solve(RouterSample sample, float threshold, double ridge) {
        if (sample.size() == 0) {
            throw new InvalidRequestException("router sample", "at least one token", 0);
        }
        if (!(threshold > 0) || !(ridge > 0)) {
            throw new InvalidRequestException("threshold and ridge", "above 0", threshold + ", " + ridge);
        }
        int model = sample.model();
        int experts = sample.experts();
        double[][] gram = new double[model][model];
        double[][] cross = new double[experts + 1][model];
        double[][] x = new double[BLOCK][model];
        double[] targets = new double[BLOCK];
        for (int first = 0; first < sample.size(); first += BLOCK) {
            int size = Math.min(BLOCK, sample.size() - first);
            for (int i = 0; i < BLOCK; i++) {
                for (int d = 0; d < model; d++) {
                    x[i][d] = i < size ? sample.input(first + i)[d] : 0;
                }
            }
            for (int d = 0; d < model; d++) {
                add(gram[d], x, x[0][d], x[1][d], x[2][d], x[3][d], d + 1);
            }
            for (int n = 0; n < experts; n++) {
                for (int i = 0; i < size; i++) {
                    double ratio = Math.max(sample.scores(first + i)[n], Float.MIN_NORMAL) / threshold;
                    targets[i] = Math.clamp(Math.log(ratio), -LIMIT, LIMIT);
                }
                add(cross[n], x, targets[0], targets[1], targets[2], targets[3], model);
            }
            add(cross[experts], x, 1, 1, 1, 1, model);
        }
        double mean = 0;
        for (int d = 0; d < model; d++) {
            mean += gram[d][d] / model;
        }
        for (int d = 0; d < model; d++) {
            gram[d][d] += ridge * Math.max(mean, Float.MIN_NORMAL);
        }
        factor(gram);
        for (double[] row : cross) {
            solve(gram, row);
        }
        return cross;
    }

    private static void add(double[] sum, double[][] x, double s0, double s1, double s2, double s3, int size) {
        double[] x0 = x[0];
        double[] x1 = x[1];
        double[] x2 = x[2];
        double[] x3 = x[3];
        for (int d = 0; d < size; d++) {
            sum[d] += s0 * x0[d] + s1 * x1[d] + s2 * x2[d] + s3 * x3[d];
        }
    }

    private static void add(double[] sum, double[] x, double scale, int size) {
        for (int d = 0; d < size; d++) {
            sum[d] += scale * x[d];
        }
    }

    /** Cholesky's factor, in place of the lower half: column by column, every row less a multiple of the column's. */
    private static void factor(double[][] lower) {
        int size = lower.length;
        double[] column = new double[size];
        for (int j = 0; j < size; j++) {
            double root = Math.sqrt(lower[j][j]);
            for (int i = j; i < size; i++) {
                lower[i][j] /= root;
                column[i] = lower[i][j];
            }
            for (int i = j + 1; i < size; i++) {
                double[] row = lower[i];
                double scale = column[i];
                for (int k = j + 1; k <= i; k++) {
                    row[k] -= scale * column[k];
                }
            }
        }
    }

    /** Both triangular systems, in place of the right side. */
    private static void solve(double[][] lower, double[] right) {
        for (int i = 0; i < right.length; i++) {
            double sum = right[i];
            for (int k = 0; k < i; k++) {
                sum -= lower[i][k] * right[k];
            }
            right[i] = sum / lower[i][i];
        }
        for (int i = right.length - 1; i >= 0; i--) {
            right[i] /= lower[i][i];
            add(right, lower[i], -right[i], i);
        }
    }
}
