package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.L;
import static dev.lte.cpu.Lanes.WIDE;

import jdk.incubator.vector.FloatVector;

/**
 * Products of packed matrices, the core of training: {@code out[i][j] = sum over c of a[i][c] * b[c][j]}. The left factor is
 * packed into tiles of {@value #ROWS} rows, {@code [m / 6][k][6]}, the right one into panels of {@value #COLUMNS} columns,
 * {@code [n / 32][k][32]}, both padded with zeros ({@link TilePacking}), so that the innermost loop reads two streams and
 * nothing else. Every element of out is one sum in the order of c, whatever the shapes around it.
 *
 * <p>Six rows by two vectors are twelve sums, more than the eight that two units of latency four need, and with two vectors of
 * the right factor and one element of the left one they just fit into 16 registers. Measured next to 4 x 2, 8 x 2, 4 x 3 and
 * rows that are not packed: 6 x 2 was the fastest, at 90 % of the multiply-adds that the unit can do.
 */
final class Tiles {
    /** Rows of a tile of the left factor. */
    static final int ROWS = 6;

    /** Columns of a panel of the right factor. */
    static final int COLUMNS = 32;

    private static final int STEP = 2 * WIDE.length();

    private Tiles() {}

    /** Floats of a packed left factor of m rows. */
    static int leftSize(int m, int k) {
        return (m + ROWS - 1) / ROWS * ROWS * k;
    }

    /** Floats of a packed right factor of n columns. */
    static int rightSize(int n, int k) {
        return (n + COLUMNS - 1) / COLUMNS * COLUMNS * k;
    }

    /**
     * {@code out = a b}, or added to out.
     *
     * @param a packed, m rows of depth k
     * @param b packed, n columns of depth {@code bDepth}, of which k steps are used
     * @param out row i begins at {@code outStart + i * stride}
     * @param edge scratch of at least 6 x 32 floats
     */
    static void multiply(
            float[] a,
            int aStart,
            int m,
            float[] b,
            int bStart,
            int n,
            int bDepth,
            int k,
            float[] out,
            int outStart,
            int stride,
            boolean add,
            float[] edge) {
        for (int j = 0; j < n; j += COLUMNS) {
            int panel = bStart + j * bDepth;
            int columns = Math.min(COLUMNS, n - j);
            for (int i = 0; i < m; i += ROWS) {
                int tile = aStart + i * k;
                int at = outStart + i * stride + j;
                if (columns == COLUMNS && m - i >= ROWS && !add) {
                    for (int r = 0; r < COLUMNS; r += STEP) {
                        tile(a, tile, b, panel + r, k, out, at + r, stride);
                    }
                } else {
                    for (int r = 0; r < COLUMNS; r += STEP) {
                        tile(a, tile, b, panel + r, k, edge, r, COLUMNS);
                    }
                    store(edge, Math.min(ROWS, m - i), columns, out, at, stride, add);
                }
            }
        }
    }

    private static void store(float[] edge, int rows, int columns, float[] out, int outStart, int stride, boolean add) {
        for (int i = 0; i < rows; i++) {
            int at = outStart + i * stride;
            if (add && columns == COLUMNS) {
                for (int j = 0; j < COLUMNS; j += L) {
                    FloatVector sum = FloatVector.fromArray(F, edge, i * COLUMNS + j);
                    sum.add(FloatVector.fromArray(F, out, at + j)).intoArray(out, at + j);
                }
            } else if (add) {
                for (int j = 0; j < columns; j++) {
                    out[at + j] += edge[i * COLUMNS + j];
                }
            } else {
                System.arraycopy(edge, i * COLUMNS, out, at, columns);
            }
        }
    }

    /**
     * Kept apart from the loops around it and free of branches: C2 boxes the sums when loops are nested around them or when
     * they are stored in one of two ways.
     */
    private static void tile(
            float[] a, int aStart, float[] b, int bStart, int k, float[] out, int outStart, int stride) {
        FloatVector s00 = FloatVector.zero(WIDE);
        FloatVector s01 = FloatVector.zero(WIDE);
        FloatVector s10 = FloatVector.zero(WIDE);
        FloatVector s11 = FloatVector.zero(WIDE);
        FloatVector s20 = FloatVector.zero(WIDE);
        FloatVector s21 = FloatVector.zero(WIDE);
        FloatVector s30 = FloatVector.zero(WIDE);
        FloatVector s31 = FloatVector.zero(WIDE);
        FloatVector s40 = FloatVector.zero(WIDE);
        FloatVector s41 = FloatVector.zero(WIDE);
        FloatVector s50 = FloatVector.zero(WIDE);
        FloatVector s51 = FloatVector.zero(WIDE);
        for (int c = 0; c < k; c++) {
            FloatVector b0 = FloatVector.fromArray(WIDE, b, bStart + c * COLUMNS);
            FloatVector b1 = FloatVector.fromArray(WIDE, b, bStart + c * COLUMNS + WIDE.length());
            FloatVector a0 = FloatVector.broadcast(WIDE, a[aStart + c * ROWS]);
            s00 = b0.fma(a0, s00);
            s01 = b1.fma(a0, s01);
            FloatVector a1 = FloatVector.broadcast(WIDE, a[aStart + c * ROWS + 1]);
            s10 = b0.fma(a1, s10);
            s11 = b1.fma(a1, s11);
            FloatVector a2 = FloatVector.broadcast(WIDE, a[aStart + c * ROWS + 2]);
            s20 = b0.fma(a2, s20);
            s21 = b1.fma(a2, s21);
            FloatVector a3 = FloatVector.broadcast(WIDE, a[aStart + c * ROWS + 3]);
            s30 = b0.fma(a3, s30);
            s31 = b1.fma(a3, s31);
            FloatVector a4 = FloatVector.broadcast(WIDE, a[aStart + c * ROWS + 4]);
            s40 = b0.fma(a4, s40);
            s41 = b1.fma(a4, s41);
            FloatVector a5 = FloatVector.broadcast(WIDE, a[aStart + c * ROWS + 5]);
            s50 = b0.fma(a5, s50);
            s51 = b1.fma(a5, s51);
        }
        s00.intoArray(out, outStart);
        s01.intoArray(out, outStart + WIDE.length());
        s10.intoArray(out, outStart + stride);
        s11.intoArray(out, outStart + stride + WIDE.length());
        s20.intoArray(out, outStart + 2 * stride);
        s21.intoArray(out, outStart + 2 * stride + WIDE.length());
        s30.intoArray(out, outStart + 3 * stride);
        s31.intoArray(out, outStart + 3 * stride + WIDE.length());
        s40.intoArray(out, outStart + 4 * stride);
        s41.intoArray(out, outStart + 4 * stride + WIDE.length());
        s50.intoArray(out, outStart + 5 * stride);
        s51.intoArray(out, outStart + 5 * stride + WIDE.length());
    }
}
