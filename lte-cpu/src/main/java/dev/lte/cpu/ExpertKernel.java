package dev.lte.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * One expert on the rows that want it, for one thread: {@code sum[t] += down (act(gate x[t]) * (up x[t]))}, or
 * {@code down act(up x[t] + upBias)} without a gate; gate and up are (M, D), down is (D, M). F32 sums. It reads the expert's
 * bytes from first to last, once.
 */
final class ExpertKernel {
    /** From here on decoding panels costs less than multiplying the tiles once per row. */
    private static final int GEMM_ROWS = 4;

    private final float[] panel = new float[Gemm.DEPTH * Gemm.WIDTH];
    private float[] prepared = {};
    private float[] scratch = {};
    private float[] hidden = {};
    private int[] xRows = {};
    private int[] hiddenRows = {};
    private int[] sumRows = {};

    /**
     * @param expert which
     * @param x activations; row r starts at {@code xStart + r * xStride}
     * @param rows the rows that want the expert: {@code count} of them from index {@code first}
     * @param sum row r starts at {@code (r - sumRow) * sumStride}; rows are whole panels wide
     */
    void run(
            CpuFfn weights, int expert, float[] x, int xStart, int xStride, int[] rows, int first, int count, float[] sum,
            int sumRow, int sumStride) {
        int width = Gemm.WIDTH * ((Math.max(weights.neuronTiles() * TileFormat.ROWS, weights.downColumns()) + Gemm.WIDTH - 1)
                / Gemm.WIDTH);
        int stride = 2 * width;
        reserve(count, stride);
        for (int i = 0; i < count; i++) {
            xRows[i] = xStart + rows[first + i] * xStride;
            hiddenRows[i] = i * stride;
            sumRows[i] = (rows[first + i] - sumRow) * sumStride;
        }
        Arrays.fill(hidden, 0, count * stride, 0f);
        long start = expert * weights.expertBytes();
        int model = weights.spec().model();
        TileFormat gate = weights.gate();
        if (gate != null) {
            multiply(weights.bytes(), start, gate, weights.neuronTiles(), model, x, xRows, hidden, width, count, hiddenRows);
        }
        multiply(
                weights.bytes(), start + weights.upStart(), weights.up(), weights.neuronTiles(), model, x, xRows, hidden, 0,
                count, hiddenRows);
        activate(weights, expert, count, stride, width);
        multiply(
                weights.bytes(), start + weights.downStart(), weights.down(), weights.modelTiles(), weights.downColumns(),
                hidden, hiddenRows, sum, 0, count, sumRows);
    }

    private void activate(CpuFfn weights, int expert, int count, int stride, int width) {
        int size = weights.spec().expertSize();
        float[] bias = weights.upBias();
        for (int i = 0; i < count; i++) {
            int up = i * stride;
            // A panel that is half a tile leaves numbers behind where down expects zeros.
            Arrays.fill(hidden, up + size, up + width, 0f);
            if (bias != null) {
                for (int m = 0; m < size; m++) {
                    hidden[up + m] += bias[expert * size + m];
                }
            }
            if (weights.gate() != null) {
                VectorMath.activate(weights.spec().activation(), hidden, up + width, size);
                VectorMath.multiply(hidden, up, hidden, up + width, size);
            } else {
                VectorMath.activate(weights.spec().activation(), hidden, up, size);
            }
        }
    }

    /** {@code out[outRows[i] + outColumn + r] += sum over c of tiles[r][c] * x[xRows[i] + c]} for all rows i. */
    private void multiply(
            MemorySegment bytes, long start, TileFormat format, int tiles, int k, float[] x, int[] xRows, float[] out,
            int outColumn, int count, int[] outRows) {
        if (count < GEMM_ROWS) {
            int prepares = format.prepared(k);
            int works = format.scratch(tiles, k);
            if (prepared.length < prepares) {
                prepared = new float[prepares];
            }
            if (scratch.length < works) {
                scratch = new float[works];
            }
            for (int i = 0; i < count; i++) {
                int to = outRows[i] + outColumn;
                if (prepares > 0) {
                    format.prepare(x, xRows[i], k, prepared, 0);
                    format.multiply(bytes, start, tiles, 0, tiles, k, 0, k, prepared, 0, out, to, scratch);
                } else {
                    format.multiply(bytes, start, tiles, 0, tiles, k, 0, k, x, xRows[i], out, to, scratch);
                }
            }
            return;
        }
        for (int tile = 0; tile < tiles; tile += 2) {
            for (int c = 0; c < k; c += Gemm.DEPTH) {
                int depth = Math.min(Gemm.DEPTH, k - c);
                for (int i = 0; i < 2 && tile + i < tiles; i++) {
                    format.decode(bytes, start, tiles, tile + i, k, c, depth, panel, Gemm.WIDTH, i * TileFormat.ROWS);
                }
                Gemm.multiply(panel, depth, x, xRows, 0, c, out, outRows, outColumn + tile * TileFormat.ROWS, count);
            }
        }
    }

    private void reserve(int count, int stride) {
        if (xRows.length < count) {
            xRows = new int[count];
            hiddenRows = new int[count];
            sumRows = new int[count];
        }
        if (hidden.length < count * stride) {
            hidden = new float[count * stride];
        }
    }
}
