package dev.lte.cpu;

import static dev.lte.cpu.Gemm.WIDTH;
import static dev.lte.cpu.Lanes.WIDE;

import jdk.incubator.vector.FloatVector;

/**
 * As {@link Gemm}, for quantised tiles, whose products add up groups of four columns before they apply the scale of the group's
 * block: {@code out[t][r] += scale[c >> shift][r] * (sum of four w[c][r] * x[t][c])} group by group. Two tokens by two vectors: the
 * four sums of a group come on top of the running ones, and a longer body would not be inlined as a whole.
 */
final class GroupedGemm {
    private static final int STEP = 2 * WIDE.length();
    private static final int SECOND = WIDTH;
    private static final int THIRD = 2 * WIDTH;
    private static final int FOURTH = 3 * WIDTH;

    private GroupedGemm() {}

    /**
     * @param w panel {@code [k][32]} without scales
     * @param k a whole number of blocks
     * @param shift a scale holds for {@code 1 << shift} columns, four or more
     * @param scales {@code [k >> shift][32]}, from index {@code scaleStart}
     */
    static void multiply(
            float[] w,
            int k,
            int shift,
            float[] scales,
            int scaleStart,
            float[] x,
            int[] xRows,
            int first,
            int xColumn,
            float[] out,
            int[] outRows,
            int n) {
        int i = 0;
        for (; i <= n - 2; i += 2) {
            for (int r = 0; r < WIDTH; r += STEP) {
                two(
                        w,
                        r,
                        k,
                        shift,
                        scales,
                        scaleStart + r,
                        x,
                        xRows[first + i] + xColumn,
                        xRows[first + i + 1] + xColumn,
                        out,
                        outRows[i] + r,
                        outRows[i + 1] + r);
            }
        }
        if (i < n) {
            for (int r = 0; r < WIDTH; r += STEP) {
                one(w, r, k, shift, scales, scaleStart + r, x, xRows[first + i] + xColumn, out, outRows[i] + r);
            }
        }
    }

    private static void two(
            float[] w,
            int r,
            int k,
            int shift,
            float[] scales,
            int s,
            float[] x,
            int x0,
            int x1,
            float[] out,
            int o0,
            int o1) {
        FloatVector a0 = FloatVector.fromArray(WIDE, out, o0);
        FloatVector b0 = FloatVector.fromArray(WIDE, out, o0 + WIDE.length());
        FloatVector a1 = FloatVector.fromArray(WIDE, out, o1);
        FloatVector b1 = FloatVector.fromArray(WIDE, out, o1 + WIDE.length());
        for (int c = 0; c < k; c += 4) {
            int at = c * WIDTH + r;
            FloatVector wa = FloatVector.fromArray(WIDE, w, at);
            FloatVector wb = FloatVector.fromArray(WIDE, w, at + WIDE.length());
            FloatVector t0 = FloatVector.broadcast(WIDE, x[x0 + c]);
            FloatVector t1 = FloatVector.broadcast(WIDE, x[x1 + c]);
            FloatVector pa0 = wa.mul(t0);
            FloatVector pb0 = wb.mul(t0);
            FloatVector pa1 = wa.mul(t1);
            FloatVector pb1 = wb.mul(t1);
            wa = FloatVector.fromArray(WIDE, w, at + SECOND);
            wb = FloatVector.fromArray(WIDE, w, at + SECOND + WIDE.length());
            t0 = FloatVector.broadcast(WIDE, x[x0 + c + 1]);
            t1 = FloatVector.broadcast(WIDE, x[x1 + c + 1]);
            pa0 = wa.fma(t0, pa0);
            pb0 = wb.fma(t0, pb0);
            pa1 = wa.fma(t1, pa1);
            pb1 = wb.fma(t1, pb1);
            wa = FloatVector.fromArray(WIDE, w, at + THIRD);
            wb = FloatVector.fromArray(WIDE, w, at + THIRD + WIDE.length());
            t0 = FloatVector.broadcast(WIDE, x[x0 + c + 2]);
            t1 = FloatVector.broadcast(WIDE, x[x1 + c + 2]);
            pa0 = wa.fma(t0, pa0);
            pb0 = wb.fma(t0, pb0);
            pa1 = wa.fma(t1, pa1);
            pb1 = wb.fma(t1, pb1);
            wa = FloatVector.fromArray(WIDE, w, at + FOURTH);
            wb = FloatVector.fromArray(WIDE, w, at + FOURTH + WIDE.length());
            t0 = FloatVector.broadcast(WIDE, x[x0 + c + 3]);
            t1 = FloatVector.broadcast(WIDE, x[x1 + c + 3]);
            pa0 = wa.fma(t0, pa0);
            pb0 = wb.fma(t0, pb0);
            pa1 = wa.fma(t1, pa1);
            pb1 = wb.fma(t1, pb1);
            int scale = s + (c >> shift) * WIDTH;
            wa = FloatVector.fromArray(WIDE, scales, scale);
            wb = FloatVector.fromArray(WIDE, scales, scale + WIDE.length());
            a0 = pa0.fma(wa, a0);
            b0 = pb0.fma(wb, b0);
            a1 = pa1.fma(wa, a1);
            b1 = pb1.fma(wb, b1);
        }
        a0.intoArray(out, o0);
        b0.intoArray(out, o0 + WIDE.length());
        a1.intoArray(out, o1);
        b1.intoArray(out, o1 + WIDE.length());
    }

    private static void one(
            float[] w, int r, int k, int shift, float[] scales, int s, float[] x, int x0, float[] out, int o0) {
        FloatVector a0 = FloatVector.fromArray(WIDE, out, o0);
        FloatVector b0 = FloatVector.fromArray(WIDE, out, o0 + WIDE.length());
        for (int c = 0; c < k; c += 4) {
            int at = c * WIDTH + r;
            FloatVector t0 = FloatVector.broadcast(WIDE, x[x0 + c]);
            FloatVector pa = FloatVector.fromArray(WIDE, w, at).mul(t0);
            FloatVector pb = FloatVector.fromArray(WIDE, w, at + WIDE.length()).mul(t0);
            t0 = FloatVector.broadcast(WIDE, x[x0 + c + 1]);
            pa = FloatVector.fromArray(WIDE, w, at + SECOND).fma(t0, pa);
            pb = FloatVector.fromArray(WIDE, w, at + SECOND + WIDE.length()).fma(t0, pb);
            t0 = FloatVector.broadcast(WIDE, x[x0 + c + 2]);
            pa = FloatVector.fromArray(WIDE, w, at + THIRD).fma(t0, pa);
            pb = FloatVector.fromArray(WIDE, w, at + THIRD + WIDE.length()).fma(t0, pb);
            t0 = FloatVector.broadcast(WIDE, x[x0 + c + 3]);
            pa = FloatVector.fromArray(WIDE, w, at + FOURTH).fma(t0, pa);
            pb = FloatVector.fromArray(WIDE, w, at + FOURTH + WIDE.length()).fma(t0, pb);
            int scale = s + (c >> shift) * WIDTH;
            a0 = pa.fma(FloatVector.fromArray(WIDE, scales, scale), a0);
            b0 = pb.fma(FloatVector.fromArray(WIDE, scales, scale + WIDE.length()), b0);
        }
        a0.intoArray(out, o0);
        b0.intoArray(out, o0 + WIDE.length());
    }
}
