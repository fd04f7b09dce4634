package dev.lte.core.sample;

/**
 * {@code exp} of many numbers below 0, several times as fast as {@link Math#exp}, with the same bits on every machine:
 * {@code exp(x) = exp(x / 4096)^4096}, the inner one by its series, the power by squaring. Multiplications and additions alone,
 * so that the compiler makes vectors of them. The relative error grows with the distance from 0, to 1e-12 at -60 and 1e-10 at
 * {@link #LEAST}.
 */
final class Exponential {
    /** Below this nothing is told apart. */
    static final double LEAST = -700;

    private static final double PART = 1.0 / 4096;

    private Exponential() {}

    /** {@code out[i] = exp(max((x[start + i] - largest) * factor, LEAST))} for {@code i} below {@code size}. */
    static void of(float[] x, int start, int size, double largest, double factor, double[] out) {
        for (int i = 0; i < size; i++) {
            out[i] = x[start + i];
        }
        double scale = factor * PART;
        for (int i = 0; i < size; i++) {
            double r = Math.max((out[i] - largest) * scale, LEAST * PART);
            double high = 1.0 / 120 + r * (1.0 / 720 + r * (1.0 / 5040 + r * (1.0 / 40320 + r * (1.0 / 362880))));
            double y = 1 + r * (1 + r * (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * high))));
            y *= y;
            y *= y;
            y *= y;
            y *= y;
            y *= y;
            y *= y;
            y *= y;
            y *= y;
            y *= y;
            y *= y;
            y *= y;
            y *= y;
            out[i] = y;
        }
    }
}
