package dev.lte.cpu;

import static dev.lte.cpu.Gemm.WIDTH;

/** {@link Gemm}, {@link AlternatingGemm} and {@link GroupedGemm} in plain loops, with the same bits, for as long as {@link Warming} says. */
final class ColdGemm {
    private ColdGemm() {}

    /** Every {@code step}th column of {@link Gemm#multiply}, beginning with {@code from}. */
    static void multiply(
            float[] w,
            int wRow,
            int from,
            int step,
            int k,
            float[] x,
            int[] xRows,
            int first,
            int xColumn,
            float[] out,
            int[] outRows,
            int outColumn,
            int n) {
        for (int i = 0; i < n; i++) {
            int at = xRows[first + i] + xColumn;
            for (int c = from; c < k; c += step) {
                addScaled(w, (wRow + c) * WIDTH, x[at + c], out, outRows[i] + outColumn);
            }
        }
    }

    private static void addScaled(float[] w, int wAt, float x, float[] out, int to) {
        for (int r = 0; r < WIDTH; r++) {
            out[to + r] = Math.fma(w[wAt + r], x, out[to + r]);
        }
    }

    /** As {@link GroupedGemm#multiply}. */
    static void multiplyGroups(
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
        for (int i = 0; i < n; i++) {
            int at = xRows[first + i] + xColumn;
            for (int c = 0; c < k; c += 4) {
                addGroup(w, c * WIDTH, scales, scaleStart + (c >> shift) * WIDTH, x, at + c, out, outRows[i]);
            }
        }
    }

    private static void addGroup(float[] w, int wAt, float[] scales, int s, float[] x, int at, float[] out, int to) {
        float x0 = x[at];
        float x1 = x[at + 1];
        float x2 = x[at + 2];
        float x3 = x[at + 3];
        for (int r = 0; r < WIDTH; r++) {
            float part = w[wAt + r] * x0;
            part = Math.fma(w[wAt + WIDTH + r], x1, part);
            part = Math.fma(w[wAt + 2 * WIDTH + r], x2, part);
            part = Math.fma(w[wAt + 3 * WIDTH + r], x3, part);
            out[to + r] = Math.fma(part, scales[s + r], out[to + r]);
        }
    }

    /** {@code out[r] += scale[r] * (sum[r] + excess)}. */
    static void scaleAndAdd(float[] scales, int s, float excess, float[] sums, int from, float[] out, int to) {
        for (int r = 0; r < WIDTH; r++) {
            out[to + r] = Math.fma(scales[s + r], sums[from + r] + excess, out[to + r]);
        }
    }

    /** {@code out[r] += sum over b of scale[b][r] * x[b]}, the sum first. */
    static void correct(float[] scales, int corrections, float[] x, int at, float[] out, int to) {
        for (int r = 0; r < WIDTH; r++) {
            float sum = 0;
            for (int b = 0; b < corrections; b++) {
                sum = Math.fma(scales[b * WIDTH + r], x[at + b], sum);
            }
            out[to + r] += sum;
        }
    }
}
