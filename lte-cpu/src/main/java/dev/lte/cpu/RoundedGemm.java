package dev.lte.cpu;

import static dev.lte.cpu.Gemm.WIDTH;
import static dev.lte.cpu.Lanes.WIDE;

import jdk.incubator.vector.FloatVector;

/**
 * As {@link Gemm}, for quantised weights and {@linkplain RoundedRows rounded activations}: block by block
 * {@code out[t][r] += scale[b][r] * (scale[t][b] * sum over c of w[c][r] * x[t][c])}. The sums of a block are whole numbers that
 * floats hold exactly, so their order does not matter. Six tokens by two vectors are twelve sums, more than the eight that two
 * units of latency four need.
 */
final class RoundedGemm {
    private static final int BLOCK = RoundedRows.BLOCK;
    private static final int STEP = 2 * WIDE.length();
    private static final int ROWS = 6;

    /** Floats of scratch memory that a product needs. */
    static final int SUMS = ROWS * WIDTH;

    private RoundedGemm() {}

    /**
     * @param w panel {@code [depth][32]} without scales
     * @param depth a whole number of blocks
     * @param scales of the weights, {@code [block][32]}, the panel's first at {@code scalesStart}
     * @param x token i starts at {@code xRows[first + i]}; column {@code xColumn} of it goes with the panel's first
     * @param xScales column of x with the scale of the panel's first block
     * @param out sums, to which is added; those of token i start at {@code outRows[i] + outColumn}
     * @param n tokens
     * @param sums scratch of at least {@value #SUMS} floats
     */
    static void multiply(
            float[] w, int depth, float[] scales, int scalesStart, float[] x, int[] xRows, int first, int xColumn, int xScales,
            float[] out, int[] outRows, int outColumn, int n, float[] sums) {
        int i = 0;
        for (; i <= n - ROWS; i += ROWS) {
            int j = first + i;
            for (int d = 0; d < depth; d += BLOCK) {
                int c = xColumn + d;
                for (int r = 0; r < WIDTH; r += STEP) {
                    six(
                            w, d * WIDTH + r, x,
                            xRows[j] + c, xRows[j + 1] + c, xRows[j + 2] + c, xRows[j + 3] + c, xRows[j + 4] + c,
                            xRows[j + 5] + c, sums, r);
                }
                int b = d / BLOCK;
                for (int t = 0; t < ROWS; t++) {
                    add(
                            scales, scalesStart + b * WIDTH, x[xRows[j + t] + xScales + b], sums, t * WIDTH, out,
                            outRows[i + t] + outColumn);
                }
            }
        }
        for (; i < n; i++) {
            int row = xRows[first + i];
            for (int d = 0; d < depth; d += BLOCK) {
                for (int r = 0; r < WIDTH; r += STEP) {
                    one(w, d * WIDTH + r, x, row + xColumn + d, sums, r);
                }
                int b = d / BLOCK;
                add(scales, scalesStart + b * WIDTH, x[row + xScales + b], sums, 0, out, outRows[i] + outColumn);
            }
        }
    }

    /** Kept apart from the loops over tokens: C2 boxes the sums when loops are nested around them. */
    private static void six(
            float[] w, int at, float[] x, int x0, int x1, int x2, int x3, int x4, int x5, float[] sums, int r) {
        FloatVector a0 = FloatVector.zero(WIDE);
        FloatVector b0 = FloatVector.zero(WIDE);
        FloatVector a1 = FloatVector.zero(WIDE);
        FloatVector b1 = FloatVector.zero(WIDE);
        FloatVector a2 = FloatVector.zero(WIDE);
        FloatVector b2 = FloatVector.zero(WIDE);
        FloatVector a3 = FloatVector.zero(WIDE);
        FloatVector b3 = FloatVector.zero(WIDE);
        FloatVector a4 = FloatVector.zero(WIDE);
        FloatVector b4 = FloatVector.zero(WIDE);
        FloatVector a5 = FloatVector.zero(WIDE);
        FloatVector b5 = FloatVector.zero(WIDE);
        for (int c = 0; c < BLOCK; c++) {
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
            FloatVector t4 = FloatVector.broadcast(WIDE, x[x4 + c]);
            a4 = wa.fma(t4, a4);
            b4 = wb.fma(t4, b4);
            FloatVector t5 = FloatVector.broadcast(WIDE, x[x5 + c]);
            a5 = wa.fma(t5, a5);
            b5 = wb.fma(t5, b5);
        }
        a0.intoArray(sums, r);
        b0.intoArray(sums, r + WIDE.length());
        a1.intoArray(sums, WIDTH + r);
        b1.intoArray(sums, WIDTH + r + WIDE.length());
        a2.intoArray(sums, 2 * WIDTH + r);
        b2.intoArray(sums, 2 * WIDTH + r + WIDE.length());
        a3.intoArray(sums, 3 * WIDTH + r);
        b3.intoArray(sums, 3 * WIDTH + r + WIDE.length());
        a4.intoArray(sums, 4 * WIDTH + r);
        b4.intoArray(sums, 4 * WIDTH + r + WIDE.length());
        a5.intoArray(sums, 5 * WIDTH + r);
        b5.intoArray(sums, 5 * WIDTH + r + WIDE.length());
    }

    private static void one(float[] w, int at, float[] x, int x0, float[] sums, int r) {
        FloatVector a0 = FloatVector.zero(WIDE);
        FloatVector b0 = FloatVector.zero(WIDE);
        for (int c = 0; c < BLOCK; c++) {
            FloatVector t0 = FloatVector.broadcast(WIDE, x[x0 + c]);
            a0 = FloatVector.fromArray(WIDE, w, at + c * WIDTH).fma(t0, a0);
            b0 = FloatVector.fromArray(WIDE, w, at + c * WIDTH + WIDE.length()).fma(t0, b0);
        }
        a0.intoArray(sums, r);
        b0.intoArray(sums, r + WIDE.length());
    }

    /** {@code out += scale * (factor * sum)}, as every product of rounded activations ends. */
    private static void add(float[] scales, int s, float factor, float[] sums, int from, float[] out, int to) {
        for (int r = 0; r < WIDTH; r += WIDE.length()) {
            FloatVector sum = FloatVector.fromArray(WIDE, sums, from + r).mul(factor);
            FloatVector.fromArray(WIDE, scales, s + r)
                    .fma(sum, FloatVector.fromArray(WIDE, out, to + r))
                    .intoArray(out, to + r);
        }
    }
}
