package dev.lte.cpu;

import static dev.lte.cpu.Gemm.WIDTH;
import static dev.lte.cpu.Lanes.WIDE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Products of two tiles with several tokens: the tiles are decoded once, panel by panel, for all of them. Each sum is made of
 * the same terms in the same order as {@link TileFormat#multiply} makes it for one token, so that a token's numbers have the
 * same bits whatever stands next to it. The scratch of one thread.
 */
final class PanelProduct {
    /** Tiles that go through at a time. */
    static final int TILES = 2;

    /** Columns of weights decoded at a time: a panel of this depth takes 16 KiB, half of a first-level cache. */
    private static final int DEPTH = 128;

    /** The threads, and the products of matrices and of experts, have counts of their own, which add up. */
    private static final int COMPILED = 1_000;

    private final Warming warming = new Warming(2_000, COMPILED);
    private final Warming decoding = new Warming(2_000, 4 * COMPILED);
    private final float[] panel = new float[DEPTH * WIDTH];
    private float[] scales = {};
    private float[] sums = {};
    private int[] evenRows = {};
    private int[] oddRows = {};

    /**
     * {@code out[outRows[i] + outColumn + r] += sum over c of tiles[r][c] * x[xRows[first + i] + c]} for {@code count} tokens i
     * and 32 features r; the last 16 are undefined if there is only one tile.
     *
     * @param tiles 1 or {@value #TILES}
     * @param firstColumn of the weight to multiply with, and {@code k} the number of columns
     * @param x activations as {@link TileFormat#prepare} makes them
     */
    void multiply(
            TileFormat format,
            MemorySegment w,
            long start,
            int allTiles,
            int tile,
            int tiles,
            int columns,
            int firstColumn,
            int k,
            float[] x,
            int[] xRows,
            int first,
            int count,
            float[] out,
            int[] outRows,
            int outColumn) {
        switch (format.order()) {
            case SEQUENTIAL -> {
                for (int c = 0; c < k; c += DEPTH) {
                    int depth = Math.min(DEPTH, k - c);
                    decode(format, w, start, allTiles, tile, tiles, columns, firstColumn + c, depth);
                    multiplyEach(0, depth, x, xRows, first, c, out, outRows, outColumn, count);
                }
            }
            case ALTERNATING -> {
                reserve(2 * WIDTH, count);
                for (int c = 0; c < k; c += DEPTH) {
                    int depth = Math.min(DEPTH, k - c);
                    decode(format, w, start, allTiles, tile, tiles, columns, firstColumn + c, depth);
                    multiplySecond(0, depth, x, xRows, first, c, evenRows, count);
                    multiplySecond(1, depth, x, xRows, first, c, oddRows, count);
                }
                for (int i = 0; i < count; i++) {
                    addBoth(sums, evenRows[i], oddRows[i], out, outRows[i] + outColumn);
                }
            }
            case GROUPED -> {
                reserve(WIDTH, count);
                int corrections = scales(format, w, start, allTiles, tile, tiles, columns, k);
                boolean warm = warming.takesVectors((count + 3) / 4);
                for (int i = 0; i < count; i++) {
                    int xAt = xRows[first + i] + k;
                    if (warm) {
                        correct(scales, corrections, x, xAt, out, outRows[i] + outColumn);
                    } else {
                        ColdGemm.correct(scales, corrections, x, xAt, out, outRows[i] + outColumn);
                    }
                }
                int shift = Integer.numberOfTrailingZeros(format.scaleColumns());
                for (int c = 0; c < k; c += DEPTH) {
                    int depth = Math.min(DEPTH, k - c);
                    decode(format, w, start, allTiles, tile, tiles, columns, firstColumn + c, depth);
                    int scale = (c >> shift) * WIDTH;
                    if (warming.takesVectors((count + 3) / 4)) {
                        GroupedGemm.multiply(
                                panel, depth, shift, scales, scale, x, xRows, first, c, sums, evenRows, count);
                    } else {
                        ColdGemm.multiplyGroups(
                                panel, depth, shift, scales, scale, x, xRows, first, c, sums, evenRows, count);
                    }
                }
                for (int i = 0; i < count; i++) {
                    add(sums, evenRows[i], out, outRows[i] + outColumn);
                }
            }
            case BLOCKWISE -> {
                int corrections = scales(format, w, start, allTiles, tile, tiles, columns, k);
                int blocks = k / format.scaleColumns();
                boolean warm = warming.takesVectors((count + 3) / 4);
                for (int c = 0; c < k; c += DEPTH) {
                    int depth = Math.min(DEPTH, k - c);
                    decode(format, w, start, allTiles, tile, tiles, columns, firstColumn + c, depth);
                    for (int d = 0; d < depth; d += format.scaleColumns()) {
                        reserve(WIDTH, count);
                        multiplyEach(d, format.scaleColumns(), x, xRows, first, c + d, sums, evenRows, 0, count);
                        int b = (c + d) / format.scaleColumns();
                        for (int i = 0; i < count; i++) {
                            int xAt = xRows[first + i] + k + b;
                            int to = outRows[i] + outColumn;
                            if (warm) {
                                scaleAndAdd(scales, b * WIDTH, x[xAt], sums, evenRows[i], out, to);
                            } else {
                                ColdGemm.scaleAndAdd(scales, b * WIDTH, x[xAt], sums, evenRows[i], out, to);
                            }
                            if (corrections > blocks) {
                                addScaled(scales, (blocks + b) * WIDTH, x[xAt + blocks], out, to);
                            }
                        }
                    }
                }
            }
        }
    }

    private void multiplyEach(
            int row,
            int k,
            float[] x,
            int[] xRows,
            int first,
            int xColumn,
            float[] out,
            int[] outRows,
            int outColumn,
            int count) {
        if (warming.takesVectors((count + 3) / 4)) {
            Gemm.multiply(panel, row, k, x, xRows, first, xColumn, out, outRows, outColumn, count);
        } else {
            ColdGemm.multiply(panel, row, 0, 1, k, x, xRows, first, xColumn, out, outRows, outColumn, count);
        }
    }

    private void multiplySecond(
            int from, int k, float[] x, int[] xRows, int first, int xColumn, int[] outRows, int count) {
        if (warming.takesVectors((count + 3) / 4)) {
            AlternatingGemm.multiply(panel, from, k, x, xRows, first, xColumn, sums, outRows, 0, count);
        } else {
            ColdGemm.multiply(panel, 0, from, 2, k, x, xRows, first, xColumn, sums, outRows, 0, count);
        }
    }

    /** Sums of zero for every token, {@code stride} apart. */
    private void reserve(int stride, int count) {
        if (sums.length < stride * count) {
            sums = new float[stride * count];
        }
        if (evenRows.length < count) {
            evenRows = new int[count];
            oddRows = new int[count];
        }
        for (int i = 0; i < count; i++) {
            evenRows[i] = i * stride;
            oddRows[i] = i * stride + WIDTH;
        }
        Arrays.fill(sums, 0, stride * count, 0f);
    }

    private void decode(
            TileFormat format,
            MemorySegment w,
            long start,
            int allTiles,
            int tile,
            int tiles,
            int columns,
            int column,
            int depth) {
        boolean vectors = decoding.takesVectors(depth / 4 * tiles);
        for (int i = 0; i < tiles; i++) {
            int to = i * TileFormat.ROWS;
            if (vectors) {
                format.decode(w, start, allTiles, tile + i, columns, column, depth, panel, WIDTH, to);
            } else {
                format.decodePlainly(w, start, allTiles, tile + i, columns, column, depth, panel, WIDTH, to);
            }
        }
    }

    /** Decodes the scales, and mins where there are some; returns how many there are for each row. */
    private int scales(
            TileFormat format, MemorySegment w, long start, int allTiles, int tile, int tiles, int columns, int k) {
        int corrections = format.prepared(k) - k;
        boolean vectors = decoding.takesVectors(corrections * tiles);
        if (scales.length < corrections * WIDTH) {
            scales = new float[corrections * WIDTH];
        }
        for (int i = 0; i < tiles; i++) {
            int to = i * TileFormat.ROWS;
            if (vectors) {
                format.decodeScales(w, start, allTiles, tile + i, columns, scales, WIDTH, to);
            } else {
                format.decodeScalesPlainly(w, start, allTiles, tile + i, columns, scales, WIDTH, to);
            }
        }
        return corrections;
    }

    /** {@code out[r] += sum over b of scale[b][r] * x[b]}. */
    private static void correct(float[] scales, int corrections, float[] x, int xAt, float[] out, int to) {
        for (int r = 0; r < WIDTH; r += WIDE.length()) {
            correctLanes(scales, r, corrections, x, xAt, out, to + r);
        }
    }

    private static void correctLanes(float[] scales, int r, int corrections, float[] x, int xAt, float[] out, int to) {
        FloatVector sum = FloatVector.zero(WIDE);
        for (int b = 0; b < corrections; b++) {
            sum = FloatVector.fromArray(WIDE, scales, b * WIDTH + r).fma(FloatVector.broadcast(WIDE, x[xAt + b]), sum);
        }
        FloatVector.fromArray(WIDE, out, to).add(sum).intoArray(out, to);
    }

    private static void scaleAndAdd(float[] scales, int s, float excess, float[] sums, int from, float[] out, int to) {
        for (int r = 0; r < WIDTH; r += WIDE.length()) {
            FloatVector sum = FloatVector.fromArray(WIDE, sums, from + r).add(excess);
            FloatVector.fromArray(WIDE, scales, s + r)
                    .fma(sum, FloatVector.fromArray(WIDE, out, to + r))
                    .intoArray(out, to + r);
        }
    }

    private static void addScaled(float[] mins, int m, float factor, float[] out, int to) {
        FloatVector x = FloatVector.broadcast(WIDE, factor);
        for (int r = 0; r < WIDTH; r += WIDE.length()) {
            FloatVector sum = FloatVector.fromArray(WIDE, out, to + r);
            FloatVector.fromArray(WIDE, mins, m + r).fma(x, sum).intoArray(out, to + r);
        }
    }

    private static void addBoth(float[] sums, int a, int b, float[] out, int to) {
        for (int r = 0; r < WIDTH; r++) {
            out[to + r] += sums[a + r] + sums[b + r];
        }
    }

    private static void add(float[] sums, int from, float[] out, int to) {
        for (int r = 0; r < WIDTH; r++) {
            out[to + r] += sums[from + r];
        }
    }
}
