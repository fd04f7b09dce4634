package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.L;
import static dev.lte.cpu.Tiles.COLUMNS;
import static dev.lte.cpu.Tiles.ROWS;

import dev.lte.backend.DType;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Brings matrices into the layout of {@link Tiles}. The long way of a source, along which products add up, is called its depth:
 * {@code along} takes sources whose rows run in that direction and transposes them, {@code across} takes sources of which each
 * row is one step of depth. BF16 sources are decoded on the way.
 */
final class TilePacking {
    /**
     * Steps of depth that are packed at a time. Tiles and panels lie a large power of two apart, so that writing one step of all
     * of them after the other would evict each line before its next step.
     */
    private static final int BLOCK = 64;

    private static final int EIGHT = 8;

    private TilePacking() {}

    /** Left factor {@code a[i][c] = x[first + i][column + c]}: m rows of depth k. */
    static void leftAlong(CpuTensor x, int first, int m, int column, int k, float[] to, int toStart, float[] decoded) {
        for (int i = 0; i < m; i++) {
            int at = toStart + i / ROWS * ROWS * k + i % ROWS;
            float[] from = row(x, first + i, column, k, decoded);
            spreadSix(from, start(x, first + i, column), k, to, at);
        }
        for (int i = m; i % ROWS != 0; i++) {
            int at = toStart + i / ROWS * ROWS * k + i % ROWS;
            for (int c = 0; c < k; c++) {
                to[at + c * ROWS] = 0;
            }
        }
    }

    /** Left factor {@code a[i][c] = x[first + c][column + i]}: m columns of depth k. */
    static void leftAcross(CpuTensor x, int first, int k, int column, int m, float[] to, int toStart, float[] decoded) {
        if (x.dtype() == DType.F32) {
            leftAcross(x.floats(), x.rowStart(first) + column, x.stride(), k, m, to, toStart);
            return;
        }
        for (int c = 0; c < k; c++) {
            x.readRow(first + c, column, m, decoded, 0);
            leftBlock(decoded, 0, m, 1, m, k, to, toStart + c * ROWS);
        }
    }

    /** As {@link #leftAcross} for a matrix of floats. */
    static void leftAcross(float[] x, int xStart, int stride, int k, int m, float[] to, int toStart) {
        for (int c = 0; c < k; c += BLOCK) {
            int count = Math.min(BLOCK, k - c);
            leftBlock(x, xStart + c * stride, stride, count, m, k, to, toStart + c * ROWS);
        }
    }

    /** As {@link #leftAlong} for a matrix of floats. */
    static void leftAlong(float[] x, int xStart, int stride, int m, int k, float[] to, int toStart) {
        int padded = (m + ROWS - 1) / ROWS * ROWS;
        for (int i = 0; i < padded; i++) {
            int at = toStart + i / ROWS * ROWS * k + i % ROWS;
            if (i < m) {
                spreadSix(x, xStart + i * stride, k, to, at);
            } else {
                for (int c = 0; c < k; c++) {
                    to[at + c * ROWS] = 0;
                }
            }
        }
    }

    /** Right factor {@code b[c][j] = x[first + j][column + c]}: n rows of depth k. */
    static void rightAlong(CpuTensor x, int first, int n, int column, int k, float[] to, int toStart, float[] decoded) {
        for (int c = 0; c < k; c += BLOCK) {
            int count = Math.min(BLOCK, k - c);
            for (int j = 0; j < n; j++) {
                int at = toStart + j / COLUMNS * COLUMNS * k + j % COLUMNS + c * COLUMNS;
                float[] from = row(x, first + j, column + c, count, decoded);
                spreadPanel(from, start(x, first + j, column + c), count, to, at);
            }
        }
        for (int j = n; j % COLUMNS != 0; j++) {
            int at = toStart + j / COLUMNS * COLUMNS * k + j % COLUMNS;
            for (int c = 0; c < k; c++) {
                to[at + c * COLUMNS] = 0;
            }
        }
    }

    /** Right factor {@code b[c][j] = x[first + c][column + j]}: n columns of depth k. */
    static void rightAcross(
            CpuTensor x, int first, int k, int column, int n, float[] to, int toStart, float[] decoded) {
        for (int c = 0; c < k; c++) {
            float[] from = row(x, first + c, column, n, decoded);
            rightStep(from, start(x, first + c, column), n, k, to, toStart + c * COLUMNS);
        }
    }

    /** The array in which elements {@code column} to {@code column + count} of a row are, beginning at {@link #start}. */
    private static float[] row(CpuTensor x, int row, int column, int count, float[] decoded) {
        if (x.dtype() == DType.F32) {
            return x.floats();
        }
        x.readRow(row, column, count, decoded, 0);
        return decoded;
    }

    private static int start(CpuTensor x, int row, int column) {
        return x.dtype() == DType.F32 ? x.rowStart(row) + column : 0;
    }

    private static void spreadSix(float[] from, int start, int count, float[] to, int toStart) {
        for (int c = 0; c < count; c++) {
            to[toStart + c * ROWS] = from[start + c];
        }
    }

    private static void spreadPanel(float[] from, int start, int count, float[] to, int toStart) {
        for (int c = 0; c < count; c++) {
            to[toStart + c * COLUMNS] = from[start + c];
        }
    }

    /** {@code count} steps of depth of all tiles of a left factor. */
    private static void leftBlock(
            float[] from, int start, int stride, int count, int m, int k, float[] to, int toStart) {
        int i = 0;
        for (; i <= m - ROWS; i += ROWS) {
            copySix(from, start + i, stride, count, to, toStart + i * k);
        }
        for (int c = 0; c < count && i < m; c++) {
            int at = toStart + i * k + c * ROWS;
            for (int r = 0; r < ROWS; r++) {
                to[at + r] = i + r < m ? from[start + c * stride + i + r] : 0;
            }
        }
    }

    /** Vectors of eight, whose last two are overwritten by the next step, but for the last step. */
    private static void copySix(float[] from, int start, int stride, int count, float[] to, int toStart) {
        int c = 0;
        if (L == EIGHT && stride >= EIGHT) {
            for (; c < count - 1; c++) {
                FloatVector.fromArray(F, from, start + c * stride).intoArray(to, toStart + c * ROWS);
            }
        }
        for (; c < count; c++) {
            int at = start + c * stride;
            to[toStart + c * ROWS] = from[at];
            to[toStart + c * ROWS + 1] = from[at + 1];
            to[toStart + c * ROWS + 2] = from[at + 2];
            to[toStart + c * ROWS + 3] = from[at + 3];
            to[toStart + c * ROWS + 4] = from[at + 4];
            to[toStart + c * ROWS + 5] = from[at + 5];
        }
    }

    /** One step of depth of all panels of a right factor. */
    private static void rightStep(float[] from, int start, int n, int k, float[] to, int toStart) {
        int j = 0;
        for (; j <= n - COLUMNS; j += COLUMNS) {
            int at = toStart + j * k;
            for (int r = 0; r < COLUMNS; r += L) {
                FloatVector.fromArray(F, from, start + j + r).intoArray(to, at + r);
            }
        }
        if (j < n) {
            int at = toStart + j * k;
            System.arraycopy(from, start + j, to, at, n - j);
            Arrays.fill(to, at + n - j, at + COLUMNS, 0f);
        }
    }
}
