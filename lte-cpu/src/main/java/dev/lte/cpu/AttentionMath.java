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
    static final boolean TOGETHER = W >= GROUP;

    private static final VectorMask<Float> FIRST = upper(W / 2);
    private static final VectorMask<Float> SECOND = upper(Math.max(1, W / 4));
    private static final VectorMask<Float> THIRD = upper(Math.max(1, W / 8));
    private static final VectorShuffle<Float> SWAP_FIRST = swap(W / 2);
    private static final VectorShuffle<Float> SWAP_SECOND = swap(Math.max(1, W / 4));
    private static final VectorShuffle<Float> SWAP_THIRD = swap(Math.max(1, W / 8));
    private static final VectorShuffle<Float> NEIGHBOURS = swap(1);

    /** Where the sums of a group are after three rounds. */
    private static final VectorShuffle<Float> SORTED = VectorShuffle.fromOp(
            WIDE, i -> TOGETHER ? (i & 1) * W / 2 + (i >> 1 & 1) * W / 4 + (i >> 2 & 1) * W / 8 : i);

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
        // Sums of two halves, of one vector where the mask is not set and of the other where it is. No method: once a
        // compilation has grown
        // to a size, C2 boxes the vectors for it.
        s0 = s0.blend(s1, FIRST).add(s1.blend(s0, FIRST).rearrange(SWAP_FIRST));
        s2 = s2.blend(s3, FIRST).add(s3.blend(s2, FIRST).rearrange(SWAP_FIRST));
        s4 = s4.blend(s5, FIRST).add(s5.blend(s4, FIRST).rearrange(SWAP_FIRST));
        s6 = s6.blend(s7, FIRST).add(s7.blend(s6, FIRST).rearrange(SWAP_FIRST));
        s0 = s0.blend(s2, SECOND).add(s2.blend(s0, SECOND).rearrange(SWAP_SECOND));
        s4 = s4.blend(s6, SECOND).add(s6.blend(s4, SECOND).rearrange(SWAP_SECOND));
        FloatVector sums = s0.blend(s4, THIRD).add(s4.blend(s0, THIRD).rearrange(SWAP_THIRD));
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

    /**
     * As {@link #accumulate} for head after head, as long as there are two that can share what is read, with the same bits.
     *
     * @param shrinks where those of the heads begin, and {@code weightStart} where the weights do, {@code weightStride} apart
     * @return heads that are done
     */
    static int accumulatePairs(
            float[] out,
            int outStart,
            int size,
            int heads,
            float[] work,
            int shrinks,
            int weightStart,
            int weightStride,
            float[] values,
            int valueStart,
            int stride,
            int count) {
        if (size % (4 * W) != 0) {
            return 0;
        }
        for (int g = 0; g < heads - 1; g += 2) {
            for (int e = 0; e < size; e += 4 * W) {
                eightVectors(
                        out,
                        outStart + g * size + e,
                        outStart + (g + 1) * size + e,
                        work[shrinks + g],
                        work[shrinks + g + 1],
                        work,
                        weightStart + g * weightStride,
                        weightStart + (g + 1) * weightStride,
                        values,
                        valueStart + e,
                        stride,
                        count);
            }
        }
        return heads / 2 * 2;
    }

    private static void eightVectors(
            float[] out,
            int to0,
            int to1,
            float shrink0,
            float shrink1,
            float[] weights,
            int weights0,
            int weights1,
            float[] values,
            int at,
            int stride,
            int count) {
        FloatVector a0 = FloatVector.fromArray(WIDE, out, to0).mul(shrink0);
        FloatVector a1 = FloatVector.fromArray(WIDE, out, to0 + W).mul(shrink0);
        FloatVector a2 = FloatVector.fromArray(WIDE, out, to0 + 2 * W).mul(shrink0);
        FloatVector a3 = FloatVector.fromArray(WIDE, out, to0 + 3 * W).mul(shrink0);
        FloatVector b0 = FloatVector.fromArray(WIDE, out, to1).mul(shrink1);
        FloatVector b1 = FloatVector.fromArray(WIDE, out, to1 + W).mul(shrink1);
        FloatVector b2 = FloatVector.fromArray(WIDE, out, to1 + 2 * W).mul(shrink1);
        FloatVector b3 = FloatVector.fromArray(WIDE, out, to1 + 3 * W).mul(shrink1);
        for (int j = 0; j < count; j++) {
            FloatVector weight0 = FloatVector.broadcast(WIDE, weights[weights0 + j]);
            FloatVector weight1 = FloatVector.broadcast(WIDE, weights[weights1 + j]);
            int v = at + j * stride;
            FloatVector v0 = FloatVector.fromArray(WIDE, values, v);
            FloatVector v1 = FloatVector.fromArray(WIDE, values, v + W);
            FloatVector v2 = FloatVector.fromArray(WIDE, values, v + 2 * W);
            FloatVector v3 = FloatVector.fromArray(WIDE, values, v + 3 * W);
            a0 = v0.fma(weight0, a0);
            a1 = v1.fma(weight0, a1);
            a2 = v2.fma(weight0, a2);
            a3 = v3.fma(weight0, a3);
            b0 = v0.fma(weight1, b0);
            b1 = v1.fma(weight1, b1);
            b2 = v2.fma(weight1, b2);
            b3 = v3.fma(weight1, b3);
        }
        a0.intoArray(out, to0);
        a1.intoArray(out, to0 + W);
        a2.intoArray(out, to0 + 2 * W);
        a3.intoArray(out, to0 + 3 * W);
        b0.intoArray(out, to1);
        b1.intoArray(out, to1 + W);
        b2.intoArray(out, to1 + 2 * W);
        b3.intoArray(out, to1 + 3 * W);
    }

    private static void fourVectors(
            float[] out,
            int to,
            float shrink,
            float[] weights,
            int weightStart,
            float[] values,
            int at,
            int stride,
            int count) {
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
            float[] out,
            int to,
            float shrink,
            float[] weights,
            int weightStart,
            float[] values,
            int at,
            int stride,
            int count) {
        FloatVector sum = FloatVector.fromArray(WIDE, out, to).mul(shrink);
        for (int j = 0; j < count; j++) {
            FloatVector weight = FloatVector.broadcast(WIDE, weights[weightStart + j]);
            sum = FloatVector.fromArray(WIDE, values, at + j * stride).fma(weight, sum);
        }
        sum.intoArray(out, to);
    }
}
