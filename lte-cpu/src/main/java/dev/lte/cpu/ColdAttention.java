package dev.lte.cpu;

import static dev.lte.cpu.Lanes.L;
import static dev.lte.cpu.Lanes.WIDE;

/** {@link AttentionMath} and {@link VectorMath#exponentials} in plain loops, with the same bits, for as long as {@link Warming} says. */
final class ColdAttention {
    private static final int W = WIDE.length();

    /** The sums of one thread that vectors would keep in lanes. */
    private final float[] lanes = new float[Math.max(W, L)];

    /** As {@link AttentionMath#scores}, for vectors that hold the sums of a group. */
    void scores(
            float[] q,
            int qStart,
            int size,
            float scale,
            float[] keys,
            int keyStart,
            int stride,
            int count,
            float[] out,
            int outStart) {
        int whole = size / W * W;
        for (int j = 0; j < count; j++) {
            int at = keyStart + j * stride;
            clear(W);
            for (int e = 0; e < whole; e += W) {
                multiply(q, qStart + e, keys, at + e);
            }
            float sum = sum(W) * scale;
            for (int e = whole; e < size; e++) {
                sum += scale * q[qStart + e] * keys[at + e];
            }
            out[outStart + j] = sum;
        }
    }

    private void multiply(float[] q, int qAt, float[] keys, int at) {
        float[] sums = lanes;
        for (int l = 0; l < W; l++) {
            sums[l] = Math.fma(keys[at + l], q[qAt + l], sums[l]);
        }
    }

    private void clear(int width) {
        for (int l = 0; l < width; l++) {
            lanes[l] = 0;
        }
    }

    /** Of halves, quarters and so on. */
    private float sum(int width) {
        for (int d = width / 2; d > 0; d /= 2) {
            for (int l = 0; l < d; l++) {
                lanes[l] += lanes[l + d];
            }
        }
        return lanes[0];
    }

    static float largest(float[] x, int start, int count, float atLeast) {
        float largest = atLeast;
        for (int i = start; i < start + count; i++) {
            largest = Math.max(largest, x[i]);
        }
        return largest;
    }

    float exponentials(float[] x, int start, int count, float shift) {
        clear(L);
        int whole = count / L * L;
        for (int i = 0; i < whole; i++) {
            float e = ScalarMath.exp(x[start + i] - shift);
            x[start + i] = e;
            lanes[i % L] += e;
        }
        float total = sum(L);
        for (int i = start + whole; i < start + count; i++) {
            x[i] = (float) Math.exp(x[i] - shift);
            total += x[i];
        }
        return total;
    }

    /** As {@link AttentionMath#accumulate}. */
    static void accumulate(
            float[] out,
            int outStart,
            int size,
            float shrink,
            float[] weights,
            int weightStart,
            float[] values,
            int valueStart,
            int stride,
            int count) {
        int whole = size / W * W;
        for (int e = outStart; e < outStart + whole; e++) {
            out[e] *= shrink;
        }
        for (int j = 0; j < count; j++) {
            addScaled(values, valueStart + j * stride, weights[weightStart + j], out, outStart, whole);
        }
        for (int e = whole; e < size; e++) {
            float sum = 0;
            for (int j = 0; j < count; j++) {
                sum += weights[weightStart + j] * values[valueStart + j * stride + e];
            }
            out[outStart + e] = out[outStart + e] * shrink + sum;
        }
    }

    private static void addScaled(float[] x, int at, float weight, float[] out, int to, int count) {
        for (int e = 0; e < count; e++) {
            out[to + e] = Math.fma(x[at + e], weight, out[to + e]);
        }
    }
}
