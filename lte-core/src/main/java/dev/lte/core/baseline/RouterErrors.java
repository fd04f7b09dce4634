package dev.lte.core.baseline;

import dev.lte.core.calibrate.RouterSample;
import java.util.Arrays;

/**
 * What a layer loses at each level of sparsity if its experts are left out in the order of a router's logits: the share of the sum
 * of {@code |E_n(x)|^2} over the sample's (token, expert) pairs.
 */
final class RouterErrors {
    private RouterErrors() {}

    /**
     * @param sample with the lengths of what experts add as scores
     * @param router (N, D)
     * @param levels of sparsity, rising, 0 up to 1
     */
    static double[] of(RouterSample sample, float[] router, double[] levels) {
        int experts = sample.experts();
        // Logits as sortable integers above, the pair's index below.
        long[] order = new long[sample.size() * experts];
        for (int t = 0; t < sample.size(); t++) {
            float[] x = sample.input(t);
            for (int n = 0; n < experts; n++) {
                float logit = 0;
                for (int d = 0; d < x.length; d++) {
                    logit += router[n * x.length + d] * x[d];
                }
                order[t * experts + n] = (long) sortable(logit) << 32 | t * experts + n;
            }
        }
        Arrays.sort(order);
        double[] lost = new double[order.length + 1];
        for (int i = 0; i < order.length; i++) {
            int pair = (int) order[i];
            double score = sample.scores(pair / experts)[pair % experts];
            lost[i + 1] = lost[i] + score * score;
        }
        double total = Math.max(lost[order.length], Double.MIN_NORMAL);
        return Arrays.stream(levels)
                .map(level -> lost[(int) (level * order.length)] / total)
                .toArray();
    }

    /** An integer that is in the same order as the float. */
    private static int sortable(float value) {
        int bits = Float.floatToIntBits(value);
        return bits ^ (bits >> 31 & Integer.MAX_VALUE);
    }
}
