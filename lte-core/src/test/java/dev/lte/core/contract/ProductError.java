package dev.lte.core.contract;

/**
 * How exact the dot product of a weight row with rounded activations can be.
 *
 * @param value the product itself
 * @param sums bound of what F32 sums lose
 * @param variance expected square of what rounding the activations loses, as if every rounding were independent
 */
record ProductError(double value, double sums, double variance) {
    /** How many standard deviations are allowed; the chance of more is below 1e-20. */
    private static final double DEVIATIONS = 10;

    /** Of {@code n} elements; blocks of 32 begin at the first of them, or are one if not {@code blocked}. */
    static ProductError of(
            float[] x, int xStart, float[] w, int wStart, int n, ActivationRounding rounding, boolean blocked) {
        int block = blocked ? 32 : Math.max(n, 1);
        double value = 0;
        double magnitude = 0;
        double variance = 0;
        for (int from = 0; from < n; from += block) {
            int to = Math.min(n, from + block);
            double largest = 0;
            for (int i = from; i < to; i++) {
                largest = Math.max(largest, Math.abs(x[xStart + i]));
            }
            for (int i = from; i < to; i++) {
                double weight = w[wStart + i];
                double product = x[xStart + i] * weight;
                value += product;
                magnitude += Math.abs(product);
                variance += rounding.variance(x[xStart + i], largest) * weight * weight;
            }
        }
        return new ProductError(value, Bound.SUM * magnitude, variance);
    }

    double allowed() {
        return allowed(sums, variance);
    }

    static double allowed(double sums, double variance) {
        return Float.MIN_NORMAL + sums + DEVIATIONS * Math.sqrt(variance);
    }
}
