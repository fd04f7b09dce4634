package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.L;

import dev.lte.backend.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Transcendental functions on runs of floats, from arithmetic alone: the Vector API's own are calls into a library that not
 * every platform has. Relative errors are a few units in the last place of F32 unless said otherwise. What
 * whole vectors leave over is done by {@link ScalarMath}, with the same bits.
 */
final class VectorMath {
    /** Below its negative {@code x / (1 + exp(-x))} is next to 0; {@link #exp} does not grow with x there. */
    static final float LARGE = 90f;

    private VectorMath() {}

    /** {@code x[i] = act(x[i])}. */
    static void activate(Activation activation, float[] x, int start, int count) {
        int end = start + count;
        int done = switch (activation) {
            case SILU -> silu(x, start, end);
            case GELU -> normal(x, start, end, 0f, 1f, x);
            case GELU_TANH -> geluTanh(x, start, end);
            case RELU -> start;
            case TANH -> tanh(x, start, end);
        };
        ScalarMath.activate(activation, x, done, end);
    }

    /** Returns where whole vectors end. */
    private static int silu(float[] x, int from, int to) {
        int i = from;
        for (; i <= to - L; i += L) {
            silu(FloatVector.fromArray(F, x, i)).intoArray(x, i);
        }
        return i;
    }

    private static int geluTanh(float[] x, int from, int to) {
        int i = from;
        for (; i <= to - L; i += L) {
            geluTanh(FloatVector.fromArray(F, x, i)).intoArray(x, i);
        }
        return i;
    }

    private static int tanh(float[] x, int from, int to) {
        int i = from;
        for (; i <= to - L; i += L) {
            tanh(FloatVector.fromArray(F, x, i)).intoArray(x, i);
        }
        return i;
    }

    /** {@code x[i] = cap * tanh(x[i] / cap)}. */
    static void softcap(float[] x, int start, int count, float cap) {
        int end = start + count;
        int i = start;
        for (; i <= end - L; i += L) {
            tanh(FloatVector.fromArray(F, x, i).div(cap)).mul(cap).intoArray(x, i);
        }
        ScalarMath.softcap(x, i, end, cap);
    }

    /** {@code x[i] = 1 / (1 + exp(-x[i]))}. */
    static void sigmoid(float[] x, int start, int count) {
        int end = start + count;
        int i = start;
        for (; i <= end - L; i += L) {
            sigmoid(FloatVector.fromArray(F, x, i)).intoArray(x, i);
        }
        ScalarMath.sigmoid(x, i, end);
    }

    /** {@code x[i] = exp(x[i] - shift)}, which is at most 1 and never below 1.6e-38; returns the sum. */
    static float exponentials(float[] x, int start, int count, float shift) {
        int end = start + count;
        int i = start;
        FloatVector sum = FloatVector.zero(F);
        for (; i <= end - L; i += L) {
            FloatVector e = exp(FloatVector.fromArray(F, x, i).sub(shift));
            e.intoArray(x, i);
            sum = sum.add(e);
        }
        float total = 0;
        if (i > start) {
            // As Lanes.sum, which C2 no longer inlines, and boxes its argument, where it has inlined this method into
            // one of attention.
            sum = sum.add(sum.rearrange(Lanes.HALF));
            if (L >= 4) {
                sum = sum.add(sum.rearrange(Lanes.QUARTER));
            }
            if (L >= 8) {
                sum = sum.add(sum.rearrange(Lanes.EIGHTH));
            }
            total = sum.lane(0);
        }
        for (; i < end; i++) {
            x[i] = (float) Math.exp(x[i] - shift);
            total += x[i];
        }
        return total;
    }

    /** {@code y[i] += x[i]}; y and x may be one array if the ranges do not overlap. */
    static void add(float[] y, int yStart, float[] x, int xStart, int count) {
        for (int i = 0; i < count; i++) {
            y[yStart + i] += x[xStart + i];
        }
    }

    /** {@code y[i] *= x[i]}. */
    static void multiply(float[] y, int yStart, float[] x, int xStart, int count) {
        for (int i = 0; i < count; i++) {
            y[yStart + i] *= x[xStart + i];
        }
    }

    static FloatVector sigmoid(FloatVector x) {
        return FloatVector.broadcast(F, 1f).div(exp(x.neg()).add(1f));
    }

    private static FloatVector silu(FloatVector x) {
        return x.max(-LARGE).div(exp(x.neg()).add(1f));
    }

    private static FloatVector geluTanh(FloatVector x) {
        // (1 + tanh u) / 2 = 1 / (1 + exp(-2u)), without cancellation for negative u.
        FloatVector u = x.mul(x).mul(0.044715f).add(1f).mul(x).mul(0.7978845608f);
        return x.max(-LARGE).div(exp(u.mul(-2f)).add(1f));
    }

    /**
     * {@code out[i] = (a + b x[i]) P(x[i])} for whole vectors, with the normal distribution {@code P(x) = erfc(-x / sqrt 2) / 2}, which
     * does not cancel for negative x, to a relative error of about 1e-6: the Chebyshev fit of Numerical Recipes ({@code erfcc}), whose own
     * error is 1.2e-7. Repeats {@link #exp}: C2 inlines no further methods of ours once a compilation has grown to this size, and boxes
     * their arguments.
     *
     * @return where whole vectors end
     */
    static int normal(float[] x, int from, int to, float a, float b, float[] out) {
        int i = from;
        for (; i <= to - L; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            FloatVector y = v.mul(-0.70710678118f);
            FloatVector z = y.abs();
            FloatVector t = FloatVector.broadcast(F, 1f).div(z.mul(0.5f).add(1f));
            FloatVector p = t.mul(0.17087277f).add(-0.82215223f);
            p = p.mul(t).add(1.48851587f);
            p = p.mul(t).add(-1.13520398f);
            p = p.mul(t).add(0.27886807f);
            p = p.mul(t).add(-0.18628806f);
            p = p.mul(t).add(0.09678418f);
            p = p.mul(t).add(0.37409196f);
            p = p.mul(t).add(1.00002368f);
            p = p.mul(t).add(-1.26551223f);
            FloatVector clamped = p.sub(z.mul(z)).max(-87f).min(88f);
            FloatVector shifted = clamped.mul(1.44269504f).add(12582912f);
            FloatVector n = shifted.sub(12582912f);
            FloatVector r = n.mul(-0.693359375f).add(clamped);
            r = n.mul(2.12194440e-4f).add(r);
            FloatVector e = r.mul(1.9875691500e-4f).add(1.3981999507e-3f);
            e = e.mul(r).add(8.3334519073e-3f);
            e = e.mul(r).add(4.1665795894e-2f);
            e = e.mul(r).add(1.6666665459e-1f);
            e = e.mul(r).add(5.0000001201e-1f);
            e = e.mul(r).mul(r).add(r).add(1f);
            e = e.mul(shifted.reinterpretAsInts()
                    .lanewise(VectorOperators.LSHL, 23)
                    .add(ScalarMath.ONE)
                    .reinterpretAsFloats());
            FloatVector positive = t.mul(e);
            FloatVector erfc =
                    positive.blend(FloatVector.broadcast(F, 2f).sub(positive), y.compare(VectorOperators.LT, 0f));
            v.mul(b).add(a).mul(erfc.mul(0.5f)).intoArray(out, i);
        }
        return i;
    }

    /**
     * A polynomial near 0, where 1 - 2 / (exp(2x) + 1) cancels (Cephes, {@code tanhf}). The exponential comes first, as C2 would no longer
     * inline it last.
     */
    static FloatVector tanh(FloatVector x) {
        FloatVector e = exp(x.add(x));
        FloatVector far =
                FloatVector.broadcast(F, 1f).sub(FloatVector.broadcast(F, 2f).div(e.add(1f)));
        FloatVector z = x.mul(x);
        FloatVector p = z.mul(-5.70498872745e-3f).add(2.06390887954e-2f);
        p = p.mul(z).add(-5.37397155531e-2f);
        p = p.mul(z).add(1.33314422036e-1f);
        p = p.mul(z).add(-3.33332819422e-1f);
        FloatVector near = p.mul(z).mul(x).add(x);
        return far.blend(near, x.abs().compare(VectorOperators.LT, 0.625f));
    }

    /**
     * {@code exp(x)} by {@code 2^n * exp(r)} with {@code |r| <= ln 2 / 2} (Cephes, {@code expf}) between -87 and 88, and constant
     * beyond; NaN for NaN. With a second factor for larger powers of two it would be too long for C2 to inline, which then boxes vectors.
     */
    static FloatVector exp(FloatVector x) {
        FloatVector clamped = x.max(-87f).min(88f);
        // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
        FloatVector shifted = clamped.mul(1.44269504f).add(12582912f);
        FloatVector n = shifted.sub(12582912f);
        FloatVector r = n.mul(-0.693359375f).add(clamped);
        r = n.mul(2.12194440e-4f).add(r);
        FloatVector p = r.mul(1.9875691500e-4f).add(1.3981999507e-3f);
        p = p.mul(r).add(8.3334519073e-3f);
        p = p.mul(r).add(4.1665795894e-2f);
        p = p.mul(r).add(1.6666665459e-1f);
        p = p.mul(r).add(5.0000001201e-1f);
        p = p.mul(r).mul(r).add(r).add(1f);
        // The low nine bits of shifted are those of the integer: shifted to the exponent, only they are left.
        return p.mul(shifted.reinterpretAsInts()
                .lanewise(VectorOperators.LSHL, 23)
                .add(ScalarMath.ONE)
                .reinterpretAsFloats());
    }
}
