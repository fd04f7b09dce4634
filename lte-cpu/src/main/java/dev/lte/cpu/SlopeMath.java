package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.L;

import dev.lte.backend.Activation;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Activations, alone or together with their derivatives, on runs of floats, with the functions of {@link VectorMath}. Runs are padded to
 * whole vectors: the arrays must have room for {@link #padded} floats behind their starts.
 */
final class SlopeMath {
    private static final float DENSITY = 0.3989422804f;
    private static final float ROOT_TWO_OVER_PI = 0.7978845608f;

    private SlopeMath() {}

    /** {@code count} rounded up to whole vectors. */
    static int padded(int count) {
        return (count + L - 1) / L * L;
    }

    /** {@code value[i] = act(x[i])} and {@code slope[i] = act'(x[i])}, all from index 0; what lies behind x is overwritten. */
    static void activate(Activation activation, float[] x, int count, float[] value, float[] slope) {
        int end = padded(count);
        Arrays.fill(x, count, end, 0f);
        switch (activation) {
            case SILU -> silu(x, end, value, slope);
            case GELU -> gelu(x, end, value, slope);
            case GELU_TANH -> geluTanh(x, end, value, slope);
            case RELU -> relu(x, end, value, slope);
            case TANH -> tanh(x, end, value, slope);
        }
    }

    /** {@code x[i] = act(x[i])}, from index 0; what lies behind x is overwritten. */
    static void activate(Activation activation, float[] x, int count) {
        int end = padded(count);
        Arrays.fill(x, count, end, 0f);
        switch (activation) {
            case SILU -> silu(x, end);
            case GELU -> VectorMath.normal(x, 0, end, 0f, 1f, x);
            case GELU_TANH -> geluTanh(x, end);
            case RELU -> relu(x, end);
            case TANH -> tanh(x, end);
        }
    }

    private static void silu(float[] x, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            v.mul(sigmoid(v)).intoArray(x, i);
        }
    }

    private static void geluTanh(float[] x, int end) {
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            FloatVector u = v.mul(v).mul(0.044715f).add(1f).mul(v).mul(2 * ROOT_TWO_OVER_PI);
            v.mul(sigmoid(u)).intoArray(x, i);
        }
    }

    private static void relu(float[] x, int end) {
        for (int i = 0; i < end; i++) {
            x[i] = Math.max(x[i], 0f);
        }
    }

    private static void tanh(float[] x, int end) {
        for (int i = 0; i < end; i += L) {
            VectorMath.tanh(FloatVector.fromArray(F, x, i)).intoArray(x, i);
        }
    }

    /** {@code x[i] = sigmoid(x[i])}, in place and without padding. */
    static void sigmoid(float[] x, int start, int count) {
        int i = start;
        for (; i <= start + count - L; i += L) {
            sigmoid(FloatVector.fromArray(F, x, i)).intoArray(x, i);
        }
        for (; i < start + count; i++) {
            x[i] = (float) (1 / (1 + Math.exp(-x[i])));
        }
    }

    /** With {@code s = sigmoid(x)}: {@code x s} and {@code s (1 + x (1 - s))}. */
    private static void silu(float[] x, int end, float[] value, float[] slope) {
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            FloatVector s = sigmoid(v);
            v.mul(s).intoArray(value, i);
            FloatVector rest = FloatVector.broadcast(F, 1f).sub(s);
            s.mul(v.mul(rest).add(1f)).intoArray(slope, i);
        }
    }

    /** With the normal distribution P and its density p: {@code x P(x)} and {@code P(x) + x p(x)}, one exponential a loop. */
    private static void gelu(float[] x, int end, float[] value, float[] slope) {
        VectorMath.normal(x, 0, end, 1f, 0f, slope);
        finishGelu(x, end, value, slope);
    }

    private static void finishGelu(float[] x, int end, float[] value, float[] slope) {
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            FloatVector p = FloatVector.fromArray(F, slope, i);
            v.mul(p).intoArray(value, i);
            FloatVector density = VectorMath.exp(v.mul(v).mul(-0.5f)).mul(DENSITY);
            v.fma(density, p).intoArray(slope, i);
        }
    }

    /** With {@code u = sqrt(2 / pi) (x + 0.044715 x^3)}, {@code s = sigmoid(2u)}: {@code x s}, {@code s + 2 x s (1 - s) u'}. */
    private static void geluTanh(float[] x, int end, float[] value, float[] slope) {
        for (int i = 0; i < end; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            FloatVector square = v.mul(v).mul(0.044715f);
            FloatVector u = square.add(1f).mul(v).mul(ROOT_TWO_OVER_PI);
            FloatVector s = sigmoid(u.add(u));
            v.mul(s).intoArray(value, i);
            FloatVector inner = square.mul(3f).add(1f).mul(2 * ROOT_TWO_OVER_PI);
            FloatVector rest = FloatVector.broadcast(F, 1f).sub(s);
            // Where s is saturated the product is 0 although inner may be huge.
            v.mul(s.mul(rest)).mul(inner).add(s).intoArray(slope, i);
        }
    }

    private static FloatVector sigmoid(FloatVector x) {
        return FloatVector.broadcast(F, 1f).div(VectorMath.exp(x.neg()).add(1f));
    }

    private static void relu(float[] x, int end, float[] value, float[] slope) {
        for (int i = 0; i < end; i++) {
            value[i] = Math.max(x[i], 0f);
            slope[i] = x[i] > 0 ? 1f : 0f;
        }
    }

    private static void tanh(float[] x, int end, float[] value, float[] slope) {
        for (int i = 0; i < end; i += L) {
            FloatVector t = VectorMath.tanh(FloatVector.fromArray(F, x, i));
            t.intoArray(value, i);
            FloatVector.broadcast(F, 1f).sub(t.mul(t)).intoArray(slope, i);
        }
    }
}
