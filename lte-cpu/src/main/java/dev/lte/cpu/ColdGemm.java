package dev.lte.cpu;

import static dev.lte.cpu.Gemm.WIDTH;

/**
 * {@link Gemm}, {@link AlternatingGemm} and {@link GroupedGemm} without the Vector API, with the same bits. Vectors are objects until C2
 * has compiled the loop that they are in, each operation of which then takes hundreds of nanoseconds; plain loops are within a
 * factor of ten of the speed of vectors from the first compilation on. So a process that begins is quicker with these, and would be
 * slower later.
 *
 * <p>One for each thread. Every {@value #EACH}th product is left to vectors, so that they get compiled, and all of them from the time at
 * which they are.
 */
final class ColdGemm {
    private static final int EACH = 8;

    /**
     * Calls of a vector kernel after which it is compiled, about: the threads and kinds of products that have counts of their own add
     * up to the 5,000 that C2 waits for at most.
     */
    private static final int COMPILED = 1_000;

    private int products;
    private int vectorCalls;

    /** Whether the next product of so many tokens is to be made by vectors. */
    boolean isWarm(int tokens) {
        if (vectorCalls >= COMPILED) {
            return true;
        }
        if (++products % EACH != 0) {
            return false;
        }
        vectorCalls += (tokens + 3) / 4;
        return true;
    }

    /** Every {@code step}th column of {@link Gemm#multiply}, beginning with {@code from}. */
    static void multiply(
            float[] w, int wRow, int from, int step, int k, float[] x, int[] xRows, int first, int xColumn, float[] out,
            int[] outRows, int outColumn, int n) {
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
            float[] w, int k, int shift, float[] scales, int scaleStart, float[] x, int[] xRows, int first, int xColumn, float[] out,
            int[] outRows, int n) {
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
