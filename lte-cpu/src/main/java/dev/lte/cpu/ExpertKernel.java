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

    /** Panels have plain loops until vectors are compiled, and yield the same bits. */
    private final Warming warming = new Warming(2_000, 5_000);

    private final PanelProduct panel = new PanelProduct();
    private final PackBuffer buffer = new PackBuffer();
    private float[] prepared = {};
    private float[] scratch = {};
    private float[] hidden = {};
    private int[] gateXRows = {};
    private int[] upXRows = {};
    private int[] preparedRows = {};
    private int[] hiddenRows = {};
    private int[] sumRows = {};

    /**
     * @param expert which
     * @param gateRows the rows of x as the gate wants them, and {@code upRows} as the up projection does
     * @param rows the rows that want the expert: {@code count} of them from index {@code first}
     * @param sum row r starts at {@code (r - sumRow) * sumStride}; rows are whole panels wide
     */
    void run(
            CpuFfn weights,
            int expert,
            PreparedRows gateRows,
            PreparedRows upRows,
            int[] rows,
            int first,
            int count,
            float[] sum,
            int sumRow,
            int sumStride) {
        int inner = Math.max(weights.neuronTiles() * TileFormat.ROWS, weights.downColumns());
        int width = (inner + Gemm.WIDTH - 1) / Gemm.WIDTH * Gemm.WIDTH;
        int stride = 2 * width;
        reserve(count, stride);
        for (int i = 0; i < count; i++) {
            gateXRows[i] = gateRows.rowStart(rows[first + i]);
            upXRows[i] = upRows.rowStart(rows[first + i]);
            hiddenRows[i] = i * stride;
            sumRows[i] = (rows[first + i] - sumRow) * sumStride;
        }
        Arrays.fill(hidden, 0, count * stride, 0f);
        PackedItems packed = weights.packed();
        boolean inPlace = packed.isPacked();
        if (inPlace) {
            buffer.release();
        }
        MemorySegment bytes = inPlace ? packed.memory() : buffer.pack(packed, expert, 1);
        long start = inPlace ? expert * weights.expertBytes() : 0;
        long upStart = start + weights.upStart();
        long downStart = start + weights.downStart();
        int model = weights.spec().model();
        int tiles = weights.neuronTiles();
        TileFormat gate = weights.gate();
        TileFormat up = weights.up();
        TileFormat down = weights.down();
        int upColumn = gate == null ? 0 : width;
        boolean few = count < GEMM_ROWS;
        if (few && up.decodesPlainly()) {
            few = warming.takesVectors(count * (2 * tiles + weights.modelTiles()));
        }
        if (few) {
            reserveScratch(weights);
            for (int i = 0; i < count; i++) {
                int row = rows[first + i];
                int to = hiddenRows[i];
                if (gate == up && width == tiles * TileFormat.ROWS) {
                    // Two matrices that lie, and whose results lie, one behind the other: one of twice as many tiles.
                    up.multiply(
                            bytes,
                            start,
                            2 * tiles,
                            0,
                            2 * tiles,
                            model,
                            0,
                            model,
                            upRows.x(),
                            upRows.rowStart(row),
                            hidden,
                            to,
                            scratch);
                    continue;
                }
                if (gate != null) {
                    gate.multiply(
                            bytes,
                            start,
                            tiles,
                            0,
                            tiles,
                            model,
                            0,
                            model,
                            gateRows.x(),
                            gateRows.rowStart(row),
                            hidden,
                            to,
                            scratch);
                }
                up.multiply(
                        bytes,
                        upStart,
                        tiles,
                        0,
                        tiles,
                        model,
                        0,
                        model,
                        upRows.x(),
                        upRows.rowStart(row),
                        hidden,
                        to + upColumn,
                        scratch);
            }
            activate(weights, expert, count, stride, width);
            for (int i = 0; i < count; i++) {
                multiplyDown(weights, bytes, downStart, hiddenRows[i], sum, sumRows[i]);
            }
        } else {
            if (gate != null) {
                multiply(bytes, start, gate, tiles, model, gateRows.x(), gateXRows, hidden, 0, count, hiddenRows);
            }
            multiply(bytes, upStart, up, tiles, model, upRows.x(), upXRows, hidden, upColumn, count, hiddenRows);
            activate(weights, expert, count, stride, width);
            int k = weights.downColumns();
            int length = down.prepared(k);
            if (length > 0) {
                reservePrepared(count * length);
                for (int i = 0; i < count; i++) {
                    down.prepare(hidden, hiddenRows[i], k, prepared, i * length);
                    preparedRows[i] = i * length;
                }
            }
            multiply(
                    bytes,
                    downStart,
                    down,
                    weights.modelTiles(),
                    k,
                    length > 0 ? prepared : hidden,
                    length > 0 ? preparedRows : hiddenRows,
                    sum,
                    0,
                    count,
                    sumRows);
        }
    }

    private void multiplyDown(
            CpuFfn weights, MemorySegment bytes, long start, int hiddenStart, float[] sum, int sumStart) {
        TileFormat down = weights.down();
        int k = weights.downColumns();
        int tiles = weights.modelTiles();
        if (down.prepared(k) == 0) {
            down.multiply(bytes, start, tiles, 0, tiles, k, 0, k, hidden, hiddenStart, sum, sumStart, scratch);
        } else {
            down.prepare(hidden, hiddenStart, k, prepared, 0);
            down.multiply(bytes, start, tiles, 0, tiles, k, 0, k, prepared, 0, sum, sumStart, scratch);
        }
    }

    private void reserveScratch(CpuFfn weights) {
        int model = weights.spec().model();
        TileFormat gate = weights.gate();
        int works = Math.max(
                gate == null ? 0 : gate.scratch(2 * weights.neuronTiles(), model),
                Math.max(
                        weights.up().scratch(weights.neuronTiles(), model),
                        weights.down().scratch(weights.modelTiles(), weights.downColumns())));
        if (scratch.length < works) {
            scratch = new float[works];
        }
        reservePrepared(weights.down().prepared(weights.downColumns()));
    }

    private void reservePrepared(int length) {
        if (prepared.length < length) {
            prepared = new float[length];
        }
    }

    private void activate(CpuFfn weights, int expert, int count, int stride, int width) {
        int size = weights.spec().expertSize();
        float[] bias = weights.upBias();
        for (int i = 0; i < count; i++) {
            int to = i * stride;
            int up = weights.gate() == null ? to : to + width;
            if (bias != null) {
                for (int m = 0; m < size; m++) {
                    hidden[up + m] += bias[expert * size + m];
                }
            }
            VectorMath.activate(weights.spec().activation(), hidden, to, size);
            if (weights.gate() != null) {
                VectorMath.multiply(hidden, to, hidden, up, size);
            }
            // A panel that is half a tile leaves numbers behind where down expects zeros.
            Arrays.fill(hidden, to + size, to + width, 0f);
        }
    }

    /** {@code out[outRows[i] + outColumn + r] += sum over c of tiles[r][c] * x[xRows[i] + c]} for all rows i, by panels. */
    private void multiply(
            MemorySegment bytes,
            long start,
            TileFormat format,
            int tiles,
            int k,
            float[] x,
            int[] xRows,
            float[] out,
            int outColumn,
            int count,
            int[] outRows) {
        for (int tile = 0; tile < tiles; tile += PanelProduct.TILES) {
            panel.multiply(
                    format,
                    bytes,
                    start,
                    tiles,
                    tile,
                    Math.min(PanelProduct.TILES, tiles - tile),
                    k,
                    0,
                    k,
                    x,
                    xRows,
                    0,
                    count,
                    out,
                    outRows,
                    outColumn + tile * TileFormat.ROWS);
        }
    }

    private void reserve(int count, int stride) {
        if (hiddenRows.length < count) {
            gateXRows = new int[count];
            upXRows = new int[count];
            preparedRows = new int[count];
            hiddenRows = new int[count];
            sumRows = new int[count];
        }
        if (hidden.length < count * stride) {
            hidden = new float[count * stride];
        }
    }
}
