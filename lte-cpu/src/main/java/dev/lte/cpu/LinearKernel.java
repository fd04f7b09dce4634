package dev.lte.cpu;

import dev.lte.backend.Write;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code out[t][r] = sum over c of weight[r][c] * x[t][c] + bias[r]}: out (T, R), x (T, K), weight (R, K) in tiles, bias (R).
 * F32 sums.
 *
 * <p>Few tokens: each tile is multiplied straight from memory, and again from cache for the next token. More tokens: 32 rows
 * are decoded once, panel by panel, and multiplied with all tokens ({@link PanelProduct}). Either way a weight crosses the
 * memory bus once, each thread reads one sequential stream, and the sums of a token have the same bits.
 */
final class LinearKernel implements WorkerPool.Task {
    /** From here on decoding a panel costs less than multiplying the tile once per token. */
    private static final int GEMM_ROWS = 4;

    /** Weights of products that plain loops take on while vectors are not compiled; larger ones have them compiled at once. */
    private static final int SMALL = 1 << 18;

    /** Tokens of one product; bounds the sums of a panel to 64 KiB. */
    private static final int TOKENS = 512;

    /** Bytes that a thread takes at a time: long enough for the prefetcher, short enough to even out the threads. */
    private static final int CHUNK_BYTES = 1 << 20;

    private final WorkerPool pool;
    private final Warming warming = new Warming(500, 5_000);
    private final PanelProduct[] panels;
    private final PackBuffer[] buffers;
    private final Scratch sums;
    private final Scratch scratch;
    private int[] xRows = new int[16];
    /** Activations as the format of the current part wants them, if it wants them otherwise. */
    private final PreparedRows prepared = new PreparedRows();

    private final int[] sumRows = new int[TOKENS];

    private float[] out = {};
    private int outStart;
    private int outStride;
    private float[] x = {};
    private int xStart;
    private int xStride;
    private int tokens;
    private int columns;
    private int firstRow;
    private int rows;
    private int firstColumn;
    private float @Nullable [] bias;
    private int biasStart;
    private boolean add;
    private boolean gemm;
    private TiledWeight.@Nullable Part part;
    private int firstTile;
    private int endTile;
    private int chunkTiles;

    LinearKernel(WorkerPool pool) {
        this.pool = pool;
        panels = new PanelProduct[pool.threads()];
        buffers = new PackBuffer[pool.threads()];
        for (int i = 0; i < panels.length; i++) {
            panels[i] = new PanelProduct();
            buffers[i] = new PackBuffer();
        }
        sums = new Scratch(pool.threads());
        scratch = new Scratch(pool.threads());
        for (int i = 0; i < TOKENS; i++) {
            sumRows[i] = i * Gemm.WIDTH;
        }
    }

    void run(CpuTensor out, CpuTensor x, TiledWeight weight, @Nullable CpuTensor bias, Write write) {
        this.out = out.floats();
        outStart = out.rowStart(0);
        outStride = out.stride();
        this.x = x.floats();
        xStart = x.rowStart(0);
        xStride = x.stride();
        tokens = out.rows();
        columns = x.columns();
        firstRow = weight.firstRow();
        rows = weight.rows();
        firstColumn = weight.firstColumn();
        this.bias = bias == null ? null : bias.floats();
        biasStart = bias == null ? 0 : bias.rowStart(0);
        add = write == Write.ADD;
        gemm = tokens >= GEMM_ROWS;
        if (!gemm
                && (long) rows * columns <= SMALL
                && weight.parts().getFirst().format().decodesPlainly()) {
            gemm = !warming.takesVectors(rows / TileFormat.ROWS * tokens);
        }
        if (xRows.length < tokens) {
            xRows = new int[tokens];
        }
        List<TiledWeight.Part> parts = weight.parts();
        for (int i = 0; i < parts.size(); i++) {
            TiledWeight.Part next = parts.get(i);
            int from = Math.max(firstRow - next.firstRow(), 0);
            int to = Math.min(firstRow + rows - next.firstRow(), next.rows());
            if (from < to) {
                next.packed().beforeUse();
                run(next, from / TileFormat.ROWS, (to + TileFormat.ROWS - 1) / TileFormat.ROWS);
            }
        }
    }

    private void run(TiledWeight.Part next, int fromTile, int toTile) {
        part = next;
        firstTile = fromTile;
        endTile = toTile;
        long bytes = next.format().tileBytes(columns);
        prepared.set(next.format(), x, xStart, xStride, tokens, columns);
        for (int t = 0; t < tokens; t++) {
            xRows[t] = prepared.rowStart(t);
        }
        if (gemm) {
            chunkTiles = PanelProduct.TILES;
        } else {
            // At least four chunks a thread where there are that many tiles, so that a slow thread gets fewer.
            int even = (toTile - fromTile) / (4 * pool.threads());
            chunkTiles = Streams.wholeRounds(Math.clamp(CHUNK_BYTES / bytes, 1, Math.max(1, even)), bytes);
        }
        int chunks = (toTile - fromTile + chunkTiles - 1) / chunkTiles;
        pool.run(this, chunks, bytes * (toTile - fromTile) * tokens);
    }

    @Override
    public void run(int item, int worker) {
        TiledWeight.Part current = part;
        if (current == null) {
            return;
        }
        int tile = firstTile + item * chunkTiles;
        int tiles = Math.min(chunkTiles, endTile - tile);
        if (current.packed().isPacked()) {
            buffers[worker].release();
            multiply(current, current.packed().memory(), 0, tile, tiles, worker);
        } else {
            // What is packed at once stays in the second-level cache.
            int step = gemm ? PanelProduct.TILES : 1;
            for (int i = tile; i < tile + tiles; i += step) {
                int count = Math.min(step, tile + tiles - i);
                multiply(current, buffers[worker].pack(current.packed(), i, count), i, i, count, worker);
            }
        }
    }

    /** @param bytes packed tiles from number {@code firstTile} on */
    private void multiply(TiledWeight.Part from, MemorySegment bytes, int firstTile, int tile, int tiles, int worker) {
        if (gemm) {
            for (int t = 0; t < tokens; t += TOKENS) {
                multiplyPanel(from, bytes, firstTile, tile, tiles, t, Math.min(TOKENS, tokens - t), worker);
            }
        } else {
            multiplyTiles(from, bytes, firstTile, tile, tiles, worker);
        }
    }

    private void multiplyTiles(
            TiledWeight.Part from, MemorySegment bytes, int firstTile, int tile, int tiles, int worker) {
        TileFormat format = from.format();
        float[] work = scratch.floats(worker, format.scratch(tiles, columns));
        float[] sum = sums.floats(worker, tiles * TileFormat.ROWS);
        for (int t = 0; t < tokens; t++) {
            Arrays.fill(sum, 0, tiles * TileFormat.ROWS, 0f);
            format.multiply(
                    bytes,
                    0,
                    from.tiles(),
                    tile - firstTile,
                    tiles,
                    from.columns(),
                    firstColumn,
                    columns,
                    prepared.x(),
                    prepared.rowStart(t),
                    sum,
                    0,
                    work);
            store(sum, 0, from.firstRow() + tile * TileFormat.ROWS, tiles * TileFormat.ROWS, endRow(from), t);
        }
    }

    private void multiplyPanel(
            TiledWeight.Part from,
            MemorySegment bytes,
            int firstTile,
            int tile,
            int tiles,
            int firstToken,
            int count,
            int worker) {
        float[] sum = sums.floats(worker, count * Gemm.WIDTH);
        Arrays.fill(sum, 0, count * Gemm.WIDTH, 0f);
        panels[worker].multiply(
                from.format(),
                bytes,
                0,
                from.tiles(),
                tile - firstTile,
                tiles,
                from.columns(),
                firstColumn,
                columns,
                prepared.x(),
                xRows,
                firstToken,
                count,
                sum,
                sumRows,
                0);
        for (int t = 0; t < count; t++) {
            store(
                    sum,
                    t * Gemm.WIDTH,
                    from.firstRow() + tile * TileFormat.ROWS,
                    tiles * TileFormat.ROWS,
                    endRow(from),
                    firstToken + t);
        }
    }

    private static int endRow(TiledWeight.Part from) {
        return from.firstRow() + from.rows();
    }

    /** Writes the sums of rows {@code row} and following that are inside the weight and the view to the output. */
    private void store(float[] sum, int sumStart, int row, int count, int endRow, int token) {
        int from = Math.max(row, firstRow);
        int to = Math.min(Math.min(row + count, endRow), firstRow + rows);
        int at = outStart + token * outStride - firstRow;
        int s = sumStart - row;
        float[] b = bias;
        if (b != null) {
            int bs = biasStart - firstRow;
            for (int r = from; r < to; r++) {
                sum[s + r] += b[bs + r];
            }
        }
        if (add) {
            for (int r = from; r < to; r++) {
                out[at + r] += sum[s + r];
            }
        } else if (to > from) {
            System.arraycopy(sum, s + from, out, at + from, to - from);
        }
    }
}
