package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.WIDE;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Products of one query head with keys and of its weights with values, whose rows are {@code stride} apart. The order of every
 * sum depends on the head size alone, for scores, and on which positions make a block, for results.
 */
final class AttentionMath {
    /** Scores that are computed together; keys are read in whole groups. */
    static final int GROUP = 8;

    private static final int W = WIDE.length();

    /** Whether a vector holds the sums of a group. */
    private static final boolean TOGETHER = W >= GROUP;

    private static final VectorMask<Float> FIRST = upper(W / 2);
    private static final VectorMask<Float> SECOND = upper(Math.max(1, W / 4));
    private static final VectorMask<Float> THIRD = upper(Math.max(1, W / 8));
    private static final VectorShuffle<Float> SWAP_FIRST = swap(W / 2);
    private static final VectorShuffle<Float> SWAP_SECOND = swap(Math.max(1, W / 4));
    private static final VectorShuffle<Float> SWAP_THIRD = swap(Math.max(1, W / 8));
    private static final VectorShuffle<Float> NEIGHBOURS = swap(1);

    /** Where the sums of a group are after three rounds. */
    private static final VectorShuffle<Float> SORTED =
            VectorShuffle.fromOp(WIDE, i -> TOGETHER ? (i & 1) * W / 2 + (i >> 1 & 1) * W / 4 + (i >> 2 & 1) * W / 8 : i);

    private AttentionMath() {}

    private static VectorMask<Float> upper(int distance) {
        boolean[] set = new boolean[W];
        for (int i = 0; i < W; i++) {
            set[i] = (i & distance) != 0;
        }
        return VectorMask.fromArray(WIDE, set, 0);
    }

    private static VectorShuffle<Float> swap(int distance) {
        return VectorShuffle.fromOp(WIDE, i -> i ^ distance);
    }

    /**
     * {@code out[j] = scale * q . keys[j]} for {@code count} keys, rounded up to whole groups, whose results mean nothing beyond
     * the count.
     */
    static void scores(
            float[] q, int qStart, int size, float scale, float[] keys, int keyStart, int stride, int count, float[] out,
            int outStart) {
        for (int j = 0; j < count; j += GROUP) {
            int at = keyStart + j * stride;
            if (TOGETHER) {
                group(q, qStart, size, scale, keys, at, stride, out, outStart + j);
            } else {
                for (int i = 0; i < GROUP; i++) {
                    out[outStart + j + i] = scale * dot(q, qStart, keys, at + i * stride, size);
                }
            }
        }
    }

    private static void group(
            float[] q, int qStart, int size, float scale, float[] keys, int at, int stride, float[] out, int to) {
        FloatVector s0 = FloatVector.zero(WIDE);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        FloatVector s4 = s0;
        FloatVector s5 = s0;
        FloatVector s6 = s0;
        FloatVector s7 = s0;
        int e = 0;
        for (; e <= size - W; e += W) {
            FloatVector query = FloatVector.fromArray(WIDE, q, qStart + e);
            s0 = FloatVector.fromArray(WIDE, keys, at + e).fma(query, s0);
            s1 = FloatVector.fromArray(WIDE, keys, at + stride + e).fma(query, s1);
            s2 = FloatVector.fromArray(WIDE, keys, at + 2 * stride + e).fma(query, s2);
            s3 = FloatVector.fromArray(WIDE, keys, at + 3 * stride + e).fma(query, s3);
            s4 = FloatVector.fromArray(WIDE, keys, at + 4 * stride + e).fma(query, s4);
            s5 = FloatVector.fromArray(WIDE, keys, at + 5 * stride + e).fma(query, s5);
            s6 = FloatVector.fromArray(WIDE, keys, at + 6 * stride + e).fma(query, s6);
            s7 = FloatVector.fromArray(WIDE, keys, at + 7 * stride + e).fma(query, s7);
        }
        s0 = fold(fold(s0, s1, FIRST, SWAP_FIRST), fold(s2, s3, FIRST, SWAP_FIRST), SECOND, SWAP_SECOND);
        s4 = fold(fold(s4, s5, FIRST, SWAP_FIRST), fold(s6, s7, FIRST, SWAP_FIRST), SECOND, SWAP_SECOND);
        FloatVector sums = fold(s0, s4, THIRD, SWAP_THIRD);
        if (W > GROUP) {
            sums = sums.add(sums.rearrange(NEIGHBOURS));
        }
        FloatVector sorted = sums.rearrange(SORTED).mul(scale);
        ((FloatVector) sorted.reinterpretShape(F, 0)).intoArray(out, to);
        for (; e < size; e++) {
            for (int i = 0; i < GROUP; i++) {
                out[to + i] += scale * q[qStart + e] * keys[at + i * stride + e];
            }
        }
    }

    /** Sums of two halves: of a where the mask is not set, of b where it is. */
    private static FloatVector fold(FloatVector a, FloatVector b, VectorMask<Float> upper, VectorShuffle<Float> swap) {
        return a.blend(b, upper).add(b.blend(a, upper).rearrange(swap));
    }

    static float dot(float[] a, int aStart, float[] b, int bStart, int count) {
        FloatVector sum0 = FloatVector.zero(F);
        FloatVector sum1 = FloatVector.zero(F);
        int l = F.length();
        int i = 0;
        for (; i <= count - 2 * l; i += 2 * l) {
            sum0 = FloatVector.fromArray(F, a, aStart + i).fma(FloatVector.fromArray(F, b, bStart + i), sum0);
            sum1 = FloatVector.fromArray(F, a, aStart + i + l).fma(FloatVector.fromArray(F, b, bStart + i + l), sum1);
        }
        float sum = Lanes.sum(sum0.add(sum1));
        for (; i < count; i++) {
            sum += a[aStart + i] * b[bStart + i];
        }
        return sum;
    }

    static float largest(float[] x, int start, int count, float atLeast) {
        FloatVector largest = FloatVector.broadcast(F, atLeast);
        int i = 0;
        for (; i <= count - F.length(); i += F.length()) {
            largest = largest.max(FloatVector.fromArray(F, x, start + i));
        }
        float maximum = largest.reduceLanes(VectorOperators.MAX);
        for (; i < count; i++) {
            maximum = Math.max(maximum, x[start + i]);
        }
        return maximum;
    }

    /** {@code out = out * shrink + sum over j of weights[j] * values[j]}. */
    static void accumulate(
            float[] out, int outStart, int size, float shrink, float[] weights, int weightStart, float[] values, int valueStart,
            int stride, int count) {
        int e = 0;
        for (; e <= size - 4 * W; e += 4 * W) {
            fourVectors(out, outStart + e, shrink, weights, weightStart, values, valueStart + e, stride, count);
        }
        for (; e <= size - W; e += W) {
            oneVector(out, outStart + e, shrink, weights, weightStart, values, valueStart + e, stride, count);
        }
        for (; e < size; e++) {
            float sum = 0;
            for (int j = 0; j < count; j++) {
                sum += weights[weightStart + j] * values[valueStart + j * stride + e];
            }
            out[outStart + e] = out[outStart + e] * shrink + sum;
        }
    }

    private static void fourVectors(
            float[] out, int to, float shrink, float[] weights, int weightStart, float[] values, int at, int stride, int count) {
        FloatVector sum0 = FloatVector.fromArray(WIDE, out, to).mul(shrink);
        FloatVector sum1 = FloatVector.fromArray(WIDE, out, to + W).mul(shrink);
        FloatVector sum2 = FloatVector.fromArray(WIDE, out, to + 2 * W).mul(shrink);
        FloatVector sum3 = FloatVector.fromArray(WIDE, out, to + 3 * W).mul(shrink);
        for (int j = 0; j < count; j++) {
            FloatVector weight = FloatVector.broadcast(WIDE, weights[weightStart + j]);
            int v = at + j * stride;
            sum0 = FloatVector.fromArray(WIDE, values, v).fma(weight, sum0);
            sum1 = FloatVector.fromArray(WIDE, values, v + W).fma(weight, sum1);
            sum2 = FloatVector.fromArray(WIDE, values, v + 2 * W).fma(weight, sum2);
            sum3 = FloatVector.fromArray(WIDE, values, v + 3 * W).fma(weight, sum3);
        }
        sum0.intoArray(out, to);
        sum1.intoArray(out, to + W);
        sum2.intoArray(out, to + 2 * W);
        sum3.intoArray(out, to + 3 * W);
    }

    private static void oneVector(
            float[] out, int to, float shrink, float[] weights, int weightStart, float[] values, int at, int stride, int count) {
        FloatVector sum = FloatVector.fromArray(WIDE, out, to).mul(shrink);
        for (int j = 0; j < count; j++) {
            FloatVector weight = FloatVector.broadcast(WIDE, weights[weightStart + j]);
            sum = FloatVector.fromArray(WIDE, values, at + j * stride).fma(weight, sum);
        }
        sum.intoArray(out, to);
    }
}
