package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.L;

import dev.lte.backend.Activation;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Transcendental functions on runs of floats, from arithmetic alone: the Vector API's own are calls into a library that not
 * every platform has. Relative errors are a few units in the last place of F32 unless said otherwise. Runs that are not a
 * multiple of the vector length end with a masked vector.
 */
final class VectorMath {
    private VectorMath() {}

    /** {@code x[i] = act(x[i])}. */
    static void activate(Activation activation, float[] x, int start, int count) {
        int end = start + count;
        int i = start;
        switch (activation) {
            case SILU -> {
                for (; i <= end - L; i += L) {
                    silu(FloatVector.fromArray(F, x, i)).intoArray(x, i);
                }
                if (i < end) {
                    VectorMask<Float> mask = F.indexInRange(i, end);
                    silu(FloatVector.fromArray(F, x, i, mask)).intoArray(x, i, mask);
                }
            }
            case GELU -> {
                for (; i <= end - L; i += L) {
                    gelu(FloatVector.fromArray(F, x, i)).intoArray(x, i);
                }
                if (i < end) {
                    VectorMask<Float> mask = F.indexInRange(i, end);
                    gelu(FloatVector.fromArray(F, x, i, mask)).intoArray(x, i, mask);
                }
            }
            case GELU_TANH -> {
                for (; i <= end - L; i += L) {
                    geluTanh(FloatVector.fromArray(F, x, i)).intoArray(x, i);
                }
                if (i < end) {
                    VectorMask<Float> mask = F.indexInRange(i, end);
                    geluTanh(FloatVector.fromArray(F, x, i, mask)).intoArray(x, i, mask);
                }
            }
            case RELU -> {
                for (; i < end; i++) {
                    x[i] = Math.max(x[i], 0f);
                }
            }
            case TANH -> softcap(x, start, count, 1f);
        }
    }

    /** {@code x[i] = cap * tanh(x[i] / cap)}. */
    static void softcap(float[] x, int start, int count, float cap) {
        int end = start + count;
        int i = start;
        for (; i <= end - L; i += L) {
            tanh(FloatVector.fromArray(F, x, i).div(cap)).mul(cap).intoArray(x, i);
        }
        if (i < end) {
            VectorMask<Float> mask = F.indexInRange(i, end);
            tanh(FloatVector.fromArray(F, x, i, mask).div(cap)).mul(cap).intoArray(x, i, mask);
        }
    }

    /** {@code x[i] = 1 / (1 + exp(-x[i]))}. */
    static void sigmoid(float[] x, int start, int count) {
        int end = start + count;
        int i = start;
        for (; i <= end - L; i += L) {
            sigmoid(FloatVector.fromArray(F, x, i)).intoArray(x, i);
        }
        if (i < end) {
            VectorMask<Float> mask = F.indexInRange(i, end);
            sigmoid(FloatVector.fromArray(F, x, i, mask)).intoArray(x, i, mask);
        }
    }

    /** {@code x[i] = exp(x[i] - shift)}, which is at most 1 and never below 1.6e-38; returns the sum. */
    static float exponentials(float[] x, int start, int count, float shift) {
        int end = start + count;
        int i = start;
        FloatVector sum = FloatVector.zero(F);
        for (; i <= end - L; i += L) {
            FloatVector e = boundedExp(FloatVector.fromArray(F, x, i).sub(shift));
            e.intoArray(x, i);
            sum = sum.add(e);
        }
        float total = Lanes.sum(sum);
        for (; i < end; i++) {
            x[i] = (float) Math.exp(x[i] - shift);
            total += x[i];
        }
        return total;
    }

    /** {@code y[i] += x[i]}; y and x may be one array if the ranges do not overlap. */
    static void add(float[] y, int yStart, float[] x, int xStart, int count) {
        int i = 0;
        for (; i <= count - L; i += L) {
            FloatVector sum = FloatVector.fromArray(F, y, yStart + i).add(FloatVector.fromArray(F, x, xStart + i));
            sum.intoArray(y, yStart + i);
        }
        for (; i < count; i++) {
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
        return x.div(exp(x.neg()).add(1f));
    }

    private static FloatVector geluTanh(FloatVector x) {
        // (1 + tanh u) / 2 = 1 / (1 + exp(-2u)), without cancellation for negative u.
        FloatVector u = x.mul(x).mul(0.044715f).add(1f).mul(x).mul(0.7978845608f);
        return x.div(exp(u.mul(-2f)).add(1f));
    }

    private static FloatVector gelu(FloatVector x) {
        // (1 + erf(x / sqrt 2)) / 2 = erfc(-x / sqrt 2) / 2, without cancellation for negative x.
        return x.mul(0.5f).mul(erfc(x.mul(-0.70710678118f)));
    }

    /**
     * {@code erfc(x)} to a relative error of about 1e-6: the Chebyshev fit of Numerical Recipes ({@code erfcc}), whose own
     * error is 1.2e-7.
     */
    static FloatVector erfc(FloatVector x) {
        FloatVector z = x.abs();
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
        FloatVector positive = t.mul(boundedExp(p.sub(z.mul(z))));
        return positive.blend(FloatVector.broadcast(F, 2f).sub(positive), x.compare(VectorOperators.LT, 0f));
    }

    /** A polynomial near 0, where 1 - 2 / (exp(2x) + 1) cancels (Cephes, {@code tanhf}). */
    static FloatVector tanh(FloatVector x) {
        FloatVector z = x.mul(x);
        FloatVector p = z.mul(-5.70498872745e-3f).add(2.06390887954e-2f);
        p = p.mul(z).add(-5.37397155531e-2f);
        p = p.mul(z).add(1.33314422036e-1f);
        p = p.mul(z).add(-3.33332819422e-1f);
        FloatVector near = p.mul(z).mul(x).add(x);
        FloatVector far = FloatVector.broadcast(F, 1f)
                .sub(FloatVector.broadcast(F, 2f).div(boundedExp(x.add(x)).add(1f)));
        return far.blend(near, x.abs().compare(VectorOperators.LT, 0.625f));
    }

    /**
     * {@code exp(x)} by {@code 2^n * exp(r)} with {@code |r| <= ln 2 / 2} (Cephes, {@code expf}); never below 6e-39, infinity
     * above 88.7, NaN for NaN.
     */
    static FloatVector exp(FloatVector x) {
        FloatVector clamped = x.max(-88f).min(89f);
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
        // 2^n in two factors, as 2^128 is no float.
        IntVector exponent = (IntVector) n.convert(VectorOperators.F2I, 0);
        IntVector half = exponent.lanewise(VectorOperators.ASHR, 1);
        return p.mul(power(half)).mul(power(exponent.sub(half)));
    }

    /**
     * As {@link #exp} between -87 and 88, and constant beyond: one factor instead of two, and so little code that C2 inlines it
     * where it would box the vectors of the longer one.
     */
    static FloatVector boundedExp(FloatVector x) {
        FloatVector clamped = x.max(-87f).min(88f);
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
                .add(ONE)
                .reinterpretAsFloats());
    }

    /** The bits of 1: added to an integer shifted to the exponent, they make a power of two. */
    private static final int ONE = 0x3f800000;

    private static FloatVector power(IntVector n) {
        return n.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
    }
}
