package dev.lte.cpu;

import dev.lte.backend.Activation;

/**
 * The functions of {@link VectorMath} in plain loops, with the same bits: for what whole vectors leave over, as a second copy of the vector
 * code in a method, for a masked vector, is more than C2 inlines, and it boxes what it does not. Also for code that is not compiled yet.
 */
final class ScalarMath {
    /** The bits of 1: added to an integer shifted to the exponent, they make a power of two. */
    static final int ONE = 0x3f800000;

    private ScalarMath() {}

    static void activate(Activation activation, float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            float v = x[i];
            x[i] = switch (activation) {
                case SILU -> silu(v);
                case GELU -> gelu(v);
                case GELU_TANH -> geluTanh(v);
                case RELU -> Math.max(v, 0f);
                case TANH -> tanh(v);
            };
        }
    }

    static void softcap(float[] x, int from, int to, float cap) {
        for (int i = from; i < to; i++) {
            x[i] = tanh(x[i] / cap) * cap;
        }
    }

    static void sigmoid(float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            x[i] = 1f / (exp(-x[i]) + 1f);
        }
    }

    private static float silu(float x) {
        return Math.max(x, -VectorMath.LARGE) / (exp(-x) + 1f);
    }

    private static float geluTanh(float x) {
        float u = (x * x * 0.044715f + 1f) * x * 0.7978845608f;
        return Math.max(x, -VectorMath.LARGE) / (exp(u * -2f) + 1f);
    }

    private static float gelu(float x) {
        return x * (erfc(x * -0.70710678118f) * 0.5f);
    }

    private static float erfc(float x) {
        float z = Math.abs(x);
        float t = 1f / (z * 0.5f + 1f);
        float p = t * 0.17087277f + -0.82215223f;
        p = p * t + 1.48851587f;
        p = p * t + -1.13520398f;
        p = p * t + 0.27886807f;
        p = p * t + -0.18628806f;
        p = p * t + 0.09678418f;
        p = p * t + 0.37409196f;
        p = p * t + 1.00002368f;
        p = p * t + -1.26551223f;
        float positive = t * exp(p - z * z);
        return x < 0 ? 2f - positive : positive;
    }

    private static float tanh(float x) {
        float z = x * x;
        float p = z * -5.70498872745e-3f + 2.06390887954e-2f;
        p = p * z + -5.37397155531e-2f;
        p = p * z + 1.33314422036e-1f;
        p = p * z + -3.33332819422e-1f;
        return Math.abs(x) < 0.625f ? p * z * x + x : 1f - 2f / (exp(x + x) + 1f);
    }

    /** As {@link VectorMath#exp}. */
    static float exp(float x) {
        float clamped = Math.min(Math.max(x, -87f), 88f);
        float shifted = clamped * 1.44269504f + 12582912f;
        float n = shifted - 12582912f;
        float r = n * -0.693359375f + clamped;
        r = n * 2.12194440e-4f + r;
        float p = r * 1.9875691500e-4f + 1.3981999507e-3f;
        p = p * r + 8.3334519073e-3f;
        p = p * r + 4.1665795894e-2f;
        p = p * r + 1.6666665459e-1f;
        p = p * r + 5.0000001201e-1f;
        p = p * r * r + r + 1f;
        return p * Float.intBitsToFloat((Float.floatToRawIntBits(shifted) << 23) + ONE);
    }
}
