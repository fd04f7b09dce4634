package dev.lte.core.convert;

/** The inverse of the normal distribution function. */
final class NormalQuantile {
    private NormalQuantile() {}

    /**
     * By bisection of a Taylor series (Marsaglia, "Evaluating the normal distribution", 2004), which is exact to a few units in
     * the last place within 6 deviations.
     *
     * @param probability above 0 and below 1
     */
    static double of(double probability) {
        double low = -6.5;
        double high = 6.5;
        for (int i = 0; i < 80; i++) {
            double middle = (low + high) / 2;
            if (distribution(middle) < probability) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return (low + high) / 2;
    }

    /** {@code 1/2 + phi(x) (x + x^3/3 + x^5/15 + ...)}. */
    static double distribution(double x) {
        double term = x;
        double sum = x;
        for (int i = 3; Math.abs(term) > Math.ulp(sum) && i < 1000; i += 2) {
            term *= x * x / i;
            sum += term;
        }
        return 0.5 + sum * Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);
    }
}
