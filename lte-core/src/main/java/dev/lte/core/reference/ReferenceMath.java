package dev.lte.core.reference;

import dev.lte.backend.Activation;

/** Functions of one number and the dot product, in double. */
final class ReferenceMath {
    /** From here on the continued fraction of erfc converges faster than the series of erf. */
    private static final double ERFC_SPLIT = 2.5;

    private ReferenceMath() {}

    static double activate(Activation activation, double x) {
        return switch (activation) {
            case SILU -> x * sigmoid(x);
            case GELU -> 0.5 * x * erfc(-x / Math.sqrt(2));
            case GELU_TANH -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case RELU -> Math.max(x, 0);
            case TANH -> Math.tanh(x);
        };
    }

    /** The derivative of {@link #activate}, 0 at the kink of RELU. */
    static double slope(Activation activation, double x) {
        return switch (activation) {
            case SILU -> sigmoid(x) * (1 + x * (1 - sigmoid(x)));
            case GELU -> 0.5 * erfc(-x / Math.sqrt(2)) + x * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
            case GELU_TANH -> {
                double inner = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
                double innerSlope = Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
                double tanh = Math.tanh(inner);
                yield 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * innerSlope;
            }
            case RELU -> x > 0 ? 1 : 0;
            case TANH -> 1 - Math.tanh(x) * Math.tanh(x);
        };
    }

    static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /** {@code 1 - erf(x)} to about 15 digits: Abramowitz and Stegun 7.1.6 (series) and 7.1.14 (continued fraction). */
    static double erfc(double x) {
        if (x < 0) {
            return 2 - erfc(-x);
        }
        double scale = Math.exp(-x * x) / Math.sqrt(Math.PI);
        if (x < ERFC_SPLIT) {
            double term = 2 * x;
            double sum = term;
            for (int n = 1; Math.abs(term) > 1e-17 * sum; n++) {
                term *= 2 * x * x / (2 * n + 1);
                sum += term;
            }
            return 1 - scale * sum;
        }
        double fraction = x;
        for (int n = 60; n > 0; n--) {
            fraction = x + n / 2.0 / fraction;
        }
        return scale / fraction;
    }

    /** The sum of {@code a[i] * b[i]}, in four partial sums so that an addition need not wait for the one before. */
    static double dot(float[] a, float[] b, int length) {
        double sum0 = 0;
        double sum1 = 0;
        double sum2 = 0;
        double sum3 = 0;
        int i = 0;
        for (; i + 4 <= length; i += 4) {
            sum0 += (double) a[i] * b[i];
            sum1 += (double) a[i + 1] * b[i + 1];
            sum2 += (double) a[i + 2] * b[i + 2];
            sum3 += (double) a[i + 3] * b[i + 3];
        }
        for (; i < length; i++) {
            sum0 += (double) a[i] * b[i];
        }
        return sum0 + sum1 + sum2 + sum3;
    }
}
