package dev.lte.core.contract;

import dev.lte.backend.Activation;
import dev.lte.backend.FfnSpec;
import org.jspecify.annotations.Nullable;

/**
 * Bound of a feed-forward block: the errors of the gate and up products, carried through the activation and the down
 * projection, plus what that loses itself.
 *
 * @param x (T, D)
 * @param gate (F, D) or null
 * @param up (F, D)
 * @param down (D, F)
 * @param upBias (F)
 * @param inner how gate and up round x
 * @param outer how down rounds the hidden activations
 */
record FfnBound(
        FfnSpec spec,
        float[] x,
        float @Nullable [] gate,
        float[] up,
        float[] down,
        float[] upBias,
        ActivationRounding inner,
        ActivationRounding outer) {
    /** No activation is steeper. */
    private static final double SLOPE = 1.13;

    /**
     * The allowed error of each output of a row.
     *
     * @param active whether each expert runs
     */
    double[] row(int t, boolean[] active) {
        int f = spec.neurons();
        int d = spec.model();
        float[] hidden = new float[f];
        double[] sums = new double[f];
        double[] variances = new double[f];
        for (int n = 0; n < f; n++) {
            if (active[n / spec.expertSize()]) {
                ProductError u = ProductError.of(x, t * d, up, n * d, d, inner, true);
                double upValue = u.value() + upBias[n];
                if (gate == null) {
                    hidden[n] = (float) magnitude(upValue);
                    sums[n] = SLOPE * u.sums() + Bound.FEW * Math.abs(upValue);
                    variances[n] = SLOPE * SLOPE * u.variance();
                } else {
                    ProductError g = ProductError.of(x, t * d, gate, n * d, d, inner, true);
                    double a = magnitude(g.value());
                    hidden[n] = (float) (a * upValue);
                    sums[n] = SLOPE * g.sums() * Math.abs(upValue) + a * u.sums() + Bound.FEW * Math.abs(a * upValue);
                    // The last term is for small gates, whose error is not small next to them.
                    variances[n] =
                            SLOPE * SLOPE * g.variance() * (upValue * upValue + u.variance()) + a * a * u.variance();
                }
            }
        }
        double[] allowed = new double[d];
        for (int i = 0; i < d; i++) {
            ProductError product = ProductError.of(hidden, 0, down, i * f, f, outer, spec.expertSize() % 32 == 0);
            double sum = product.sums();
            double variance = product.variance();
            for (int n = 0; n < f; n++) {
                double weight = down[i * f + n];
                sum += Math.abs(weight) * sums[n];
                variance += weight * weight * variances[n];
            }
            allowed[i] = ProductError.allowed(sum, variance);
        }
        return allowed;
    }

    /** At least what the activation yields. */
    private double magnitude(double x) {
        return spec.activation() == Activation.TANH
                ? Math.abs(Math.tanh(x))
                : Math.max(Math.max(x, 0), Math.min(0.2, -x));
    }
}
