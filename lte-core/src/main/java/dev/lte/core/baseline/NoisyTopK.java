package dev.lte.core.baseline;

import dev.lte.core.calibrate.ExpertScores;
import dev.lte.core.calibrate.RouterSample;
import java.util.SplittableRandom;

/**
 * A noisy top-k softmax router (Shazeer et al., 2017) for one layer of a finished model. The k experts of the greatest logits run,
 * scaled by {@code k softmax} over those k, which add up to k, so that equal shares leave experts as they are. Learnt by Adam on
 * what the layer's output loses, {@code sum of |E_n|^2 (1 - scale_n)^2}, with noise on the logits so that others get their chance;
 * the model's weights stay as they are.
 */
final class NoisyTopK {
    private static final int STEPS = 600;
    private static final int BATCH = 64;
    private static final double RATE = 0.01;
    /** Deviation, of logits. With 1, logits had to lie so far apart that the softmax left one expert: ten times the perplexity. */
    private static final double NOISE = 0.1;

    private static final double MOMENTUM = 0.9;
    private static final double SQUARES = 0.999;

    private NoisyTopK() {}

    /**
     * @param sample inputs, and the lengths of what experts add
     * @return (N, D)
     */
    static float[] learn(RouterSample sample, int k, long seed) {
        int model = sample.model();
        int experts = sample.experts();
        SplittableRandom random = new SplittableRandom(seed);
        double[] weights = new double[experts * model];
        double[] mean = new double[weights.length];
        double[] squares = new double[weights.length];
        float[] logits = new float[experts];
        for (int step = 1; step <= STEPS; step++) {
            double[] slopes = new double[weights.length];
            for (int i = 0; i < BATCH; i++) {
                int token = random.nextInt(sample.size());
                float[] x = sample.input(token);
                for (int n = 0; n < experts; n++) {
                    double sum = NOISE * random.nextGaussian();
                    for (int d = 0; d < model; d++) {
                        sum += weights[n * model + d] * x[d];
                    }
                    logits[n] = (float) sum;
                }
                double[] slope = slope(logits, sample.scores(token), k);
                for (int n = 0; n < experts; n++) {
                    for (int d = 0; d < model && slope[n] != 0; d++) {
                        slopes[n * model + d] += slope[n] * x[d] / BATCH;
                    }
                }
            }
            double rate = RATE * (1 - (step - 1.0) / STEPS);
            for (int i = 0; i < weights.length; i++) {
                mean[i] = MOMENTUM * mean[i] + (1 - MOMENTUM) * slopes[i];
                squares[i] = SQUARES * squares[i] + (1 - SQUARES) * slopes[i] * slopes[i];
                double m = mean[i] / (1 - Math.pow(MOMENTUM, step));
                double v = squares[i] / (1 - Math.pow(SQUARES, step));
                weights[i] -= rate * m / (Math.sqrt(v) + 1e-12);
            }
        }
        float[] router = new float[weights.length];
        for (int i = 0; i < router.length; i++) {
            router[i] = (float) weights[i];
        }
        return router;
    }

    /**
     * @return (N), the factor of each expert: {@code k softmax} over the k greatest logits, 0 for the others
     */
    static float[] scales(float[] logits, int k) {
        boolean[] chosen = ExpertScores.greatest(logits, k);
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit);
        }
        double sum = 0;
        for (int n = 0; n < logits.length; n++) {
            sum += chosen[n] ? Math.exp(logits[n] - largest) : 0;
        }
        float[] scales = new float[logits.length];
        for (int n = 0; n < logits.length; n++) {
            scales[n] = chosen[n] ? (float) (k * Math.exp(logits[n] - largest) / sum) : 0;
        }
        return scales;
    }

    /** Of the loss of one token, by logits; relative to all that the experts add. */
    static double[] slope(float[] logits, float[] lengths, int k) {
        float[] scales = scales(logits, k);
        double total = Double.MIN_NORMAL;
        for (float length : lengths) {
            total += (double) length * length;
        }
        double[] byScale = new double[scales.length];
        double mean = 0;
        for (int n = 0; n < scales.length; n++) {
            if (scales[n] > 0) {
                byScale[n] = -2 * (1 - scales[n]) * lengths[n] * lengths[n] / total;
                mean += byScale[n] * scales[n] / k;
            }
        }
        double[] slope = new double[scales.length];
        for (int n = 0; n < slope.length; n++) {
            slope[n] = scales[n] * (byScale[n] - mean);
        }
        return slope;
    }
}
