package dev.lte.cpu;

import static dev.lte.cpu.Gemm.WIDTH;
import static dev.lte.cpu.Lanes.WIDE;

import jdk.incubator.vector.FloatVector;

/**
 * As {@link Gemm}, for weights whose single products keep two sums, one of the even columns and one of the odd ones: every
 * second column of a panel, so that the sums of a token do not depend on how many tokens there are.
 */
final class AlternatingGemm {
    private static final int STEP = 2 * WIDE.length();

    private AlternatingGemm() {}

    /** @param from the first column, 0 or 1; the rest as of {@link Gemm#multiply} */
    static void multiply(
            float[] w,
            int from,
            int k,
            float[] x,
            int[] xRows,
            int first,
            int xColumn,
            float[] out,
            int[] outRows,
            int outColumn,
            int n) {
        int i = 0;
        for (; i <= n - 4; i += 4) {
            int j = first + i;
            for (int r = 0; r < WIDTH; r += STEP) {
                four(
                        w,
                        r,
                        from,
                        k,
                        x,
                        xRows[j] + xColumn,
                        xRows[j + 1] + xColumn,
                        xRows[j + 2] + xColumn,
                        xRows[j + 3] + xColumn,
                        out,
                        outRows[i] + outColumn + r,
                        outRows[i + 1] + outColumn + r,
                        outRows[i + 2] + outColumn + r,
                        outRows[i + 3] + outColumn + r);
            }
        }
        for (; i < n; i++) {
            for (int r = 0; r < WIDTH; r += STEP) {
                one(w, r, from, k, x, xRows[first + i] + xColumn, out, outRows[i] + outColumn + r);
            }
        }
    }

    /** Kept apart from the loops over tokens: C2 boxes the sums when loops are nested around them. */
    private static void four(
            float[] w,
            int at,
            int from,
            int k,
            float[] x,
            int x0,
            int x1,
            int x2,
            int x3,
            float[] out,
            int o0,
            int o1,
            int o2,
            int o3) {
        FloatVector a0 = FloatVector.fromArray(WIDE, out, o0);
        FloatVector b0 = FloatVector.fromArray(WIDE, out, o0 + WIDE.length());
        FloatVector a1 = FloatVector.fromArray(WIDE, out, o1);
        FloatVector b1 = FloatVector.fromArray(WIDE, out, o1 + WIDE.length());
        FloatVector a2 = FloatVector.fromArray(WIDE, out, o2);
        FloatVector b2 = FloatVector.fromArray(WIDE, out, o2 + WIDE.length());
        FloatVector a3 = FloatVector.fromArray(WIDE, out, o3);
        FloatVector b3 = FloatVector.fromArray(WIDE, out, o3 + WIDE.length());
        for (int c = from; c < k; c += 2) {
            FloatVector wa = FloatVector.fromArray(WIDE, w, at + c * WIDTH);
            FloatVector wb = FloatVector.fromArray(WIDE, w, at + c * WIDTH + WIDE.length());
            FloatVector t0 = FloatVector.broadcast(WIDE, x[x0 + c]);
            a0 = wa.fma(t0, a0);
            b0 = wb.fma(t0, b0);
            FloatVector t1 = FloatVector.broadcast(WIDE, x[x1 + c]);
            a1 = wa.fma(t1, a1);
            b1 = wb.fma(t1, b1);
            FloatVector t2 = FloatVector.broadcast(WIDE, x[x2 + c]);
            a2 = wa.fma(t2, a2);
            b2 = wb.fma(t2, b2);
            FloatVector t3 = FloatVector.broadcast(WIDE, x[x3 + c]);
            a3 = wa.fma(t3, a3);
            b3 = wb.fma(t3, b3);
        }
        a0.intoArray(out, o0);
        b0.intoArray(out, o0 + WIDE.length());
        a1.intoArray(out, o1);
        b1.intoArray(out, o1 + WIDE.length());
        a2.intoArray(out, o2);
        b2.intoArray(out, o2 + WIDE.length());
        a3.intoArray(out, o3);
        b3.intoArray(out, o3 + WIDE.length());
    }

    private static void one(float[] w, int at, int from, int k, float[] x, int x0, float[] out, int o0) {
        FloatVector a0 = FloatVector.fromArray(WIDE, out, o0);
        FloatVector b0 = FloatVector.fromArray(WIDE, out, o0 + WIDE.length());
        for (int c = from; c < k; c += 2) {
            FloatVector t0 = FloatVector.broadcast(WIDE, x[x0 + c]);
            a0 = FloatVector.fromArray(WIDE, w, at + c * WIDTH).fma(t0, a0);
            b0 = FloatVector.fromArray(WIDE, w, at + c * WIDTH + WIDE.length()).fma(t0, b0);
        }
        a0.intoArray(out, o0);
        b0.intoArray(out, o0 + WIDE.length());
    }
}
