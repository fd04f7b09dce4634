package dev.lte.cpu;

import static dev.lte.cpu.Lanes.WIDE;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Q4_K for matrices of few columns: per group of 32 columns the weights as shorts {@code [8][rows]} as in {@link ColumnsQ4}, then
 * d {@code [rows]} and dmin {@code [rows]} as F16, then {@code [rows]} shorts of the group's scale and min. Groups stand alone,
 * as they belong to different experts: 22 bytes for 32 weights.
 */
final class ColumnsQ4K extends TileFormat {
    static final ColumnsQ4K INSTANCE = new ColumnsQ4K();

    private static final int GROUP = SplitGroups.COLUMNS;
    private static final int STEPS = GROUP / 4;
    private static final int COLUMNS_BYTES = 2 * ROWS;
    private static final int HALVES_BYTES = 2 * ROWS;
    private static final int GROUP_BYTES = STEPS * COLUMNS_BYTES + 3 * HALVES_BYTES;

    private ColumnsQ4K() {
        super(DType.Q4_K, SumOrder.BLOCKWISE);
    }

    @Override
    int columnMultiple() {
        return GROUP;
    }

    @Override
    int rowBytes(int k) {
        return k / GROUP * SplitGroups.Q4_BYTES;
    }

    @Override
    long tileBytes(int k) {
        return (long) k / GROUP * GROUP_BYTES;
    }

    /** Group after group: the weights, d, dmin, scales and mins of 16 rows. */
    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        for (int r = 0; r < ROWS; r++) {
            for (int g = 0; g < k / GROUP; g++) {
                int from = r * rowBytes(k) + g * SplitGroups.Q4_BYTES;
                int to = g * GROUP_BYTES + 2 * r;
                TileQ4K.packNibbles(rows, from, tile, to, COLUMNS_BYTES);
                for (int i = 0; i < 3; i++) {
                    System.arraycopy(rows, from + 2 * i, tile, to + STEPS * COLUMNS_BYTES + i * HALVES_BYTES, 2);
                }
            }
        }
    }

    /** The eleven rows of 32 bytes that a packed group has are spread over those of all tiles. */
    @Override
    void store(byte[] packed, MemorySegment w, long start, int allTiles, int tile, int k) {
        for (int i = 0; i < k / GROUP * (GROUP_BYTES / HALVES_BYTES); i++) {
            long to = start + ((long) i * allTiles + tile) * HALVES_BYTES;
            MemorySegment.copy(packed, i * HALVES_BYTES, w, ValueLayout.JAVA_BYTE, to, HALVES_BYTES);
        }
    }

    @Override
    int prepared(int k) {
        return TileQ4K.INSTANCE.prepared(k);
    }

    @Override
    void prepare(float[] x, int xStart, int k, float[] out, int outStart, int[] integers, int integersStart) {
        TileQ4K.INSTANCE.prepare(x, xStart, k, out, outStart, integers, integersStart);
    }

    @Override
    int scratch(int tiles, int k) {
        return tiles * ROWS;
    }

    /** All tiles at once. */
    @Override
    void multiply(
            MemorySegment w, long start, int allTiles, int tile, int tiles, int columns, int first, int k,
            PreparedRows prepared, int row, float[] out, int outStart, float[] scratch) {
        float[] x = prepared.x();
        int xStart = prepared.rowStart(row);
        int vectors = allTiles * (ROWS / WIDE.length());
        int groups = k / GROUP;
        for (int g = 0; g < groups; g++) {
            long at = start + (long) g * allTiles * GROUP_BYTES;
            multiplyBlock(w, at, allTiles, vectors, x, xStart + g * GROUP, scratch);
            float small = x[xStart + k + g];
            float min = x[xStart + k + groups + g];
            scale(w, at + halves(allTiles, 0), allTiles, vectors, small, min, scratch, out, outStart);
        }
    }

    /** Unscaled sums of a block. */
    private static void multiplyBlock(MemorySegment w, long block, int allTiles, int vectors, float[] x, int xAt, float[] sums) {
        multiplyFirst(w, block, vectors, x, xAt, sums);
        for (int g = 1; g < STEPS; g++) {
            multiplyNext(w, block + (long) g * allTiles * COLUMNS_BYTES, vectors, x, xAt + 4 * g, sums);
        }
    }

    private static void multiplyFirst(MemorySegment w, long at, int vectors, float[] x, int xAt, float[] sums) {
        FloatVector x0 = FloatVector.broadcast(WIDE, x[xAt]);
        FloatVector x1 = FloatVector.broadcast(WIDE, x[xAt + 1]);
        FloatVector x2 = FloatVector.broadcast(WIDE, x[xAt + 2]);
        FloatVector x3 = FloatVector.broadcast(WIDE, x[xAt + 3]);
        for (int i = 0; i < vectors; i++) {
            IntVector v = Lanes.wideShorts(w, at + (long) i * 2 * WIDE.length());
            FloatVector sum = TileQ6K.masked(v, 0xf).mul(x0);
            sum = TileQ6K.masked(v, 0xf0).fma(x1, sum);
            sum = TileQ6K.masked(v, 0xf00).fma(x2, sum);
            sum = TileQ6K.masked(v, 0xfffff000).fma(x3, sum);
            sum.intoArray(sums, i * WIDE.length());
        }
    }

    private static void multiplyNext(MemorySegment w, long at, int vectors, float[] x, int xAt, float[] sums) {
        FloatVector x0 = FloatVector.broadcast(WIDE, x[xAt]);
        FloatVector x1 = FloatVector.broadcast(WIDE, x[xAt + 1]);
        FloatVector x2 = FloatVector.broadcast(WIDE, x[xAt + 2]);
        FloatVector x3 = FloatVector.broadcast(WIDE, x[xAt + 3]);
        for (int i = 0; i < vectors; i++) {
            IntVector v = Lanes.wideShorts(w, at + (long) i * 2 * WIDE.length());
            FloatVector sum = FloatVector.fromArray(WIDE, sums, i * WIDE.length());
            sum = TileQ6K.masked(v, 0xf).fma(x0, sum);
            sum = TileQ6K.masked(v, 0xf0).fma(x1, sum);
            sum = TileQ6K.masked(v, 0xf00).fma(x2, sum);
            sum = TileQ6K.masked(v, 0xfffff000).fma(x3, sum);
            sum.intoArray(sums, i * WIDE.length());
        }
    }

    /** Bytes from the beginning of a group to its d, dmin or scales. */
    private static long halves(int allTiles, int which) {
        return ((long) STEPS * COLUMNS_BYTES + (long) which * HALVES_BYTES) * allTiles;
    }

    /** {@code out += scale * (sums + small)}, then {@code out += min * allX}. */
    private static void scale(
            MemorySegment w, long at, int allTiles, int vectors, float small, float allX, float[] sums, float[] out,
            int outStart) {
        long mins = (long) allTiles * HALVES_BYTES;
        FloatVector x = FloatVector.broadcast(WIDE, allX);
        for (int i = 0; i < vectors; i++) {
            int to = outStart + i * WIDE.length();
            long d = at + 2L * i * WIDE.length();
            FloatVector sum = FloatVector.fromArray(WIDE, sums, i * WIDE.length()).add(small);
            FloatVector scaled = TileQ4K.scale(w, d, d + 2 * mins).fma(sum, FloatVector.fromArray(WIDE, out, to));
            TileQ4K.min(w, d + mins, d + 2 * mins).fma(x, scaled).intoArray(out, to);
        }
    }

    @Override
    void decode(
            MemorySegment w, long start, int allTiles, int tile, int columns, int first, int count, float[] out, int outStride,
            int column) {
        for (int g = first / GROUP; g < (first + count) / GROUP; g++) {
            long at = start + (long) g * allTiles * GROUP_BYTES + (long) tile * COLUMNS_BYTES;
            int to = (g * GROUP - first) * outStride + column;
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                decodeBlock(w, at + 2 * r, (long) allTiles * COLUMNS_BYTES, out, outStride, to + r);
            }
        }
    }

    private static void decodeBlock(MemorySegment w, long at, long groupStride, float[] out, int outStride, int to) {
        for (int g = 0; g < STEPS; g++) {
            TileQ4K.decodeGroup(Lanes.wideShorts(w, at + g * groupStride), out, outStride, to + 4 * g * outStride);
        }
    }

    @Override
    void decodeScales(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        int groups = columns / GROUP;
        long mins = (long) allTiles * HALVES_BYTES;
        for (int g = 0; g < groups; g++) {
            long at = start + (long) g * allTiles * GROUP_BYTES + halves(allTiles, 0) + (long) tile * HALVES_BYTES;
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                long d = at + 2 * r;
                TileQ4K.scale(w, d, d + 2 * mins).intoArray(out, g * outStride + column + r);
                TileQ4K.min(w, d + mins, d + 2 * mins).intoArray(out, (groups + g) * outStride + column + r);
            }
        }
    }

    /** Nothing reads rows of a down projection. */
    @Override
    void decodeRow(MemorySegment w, long start, int k, int r, int first, int count, float[] out, int outStart) {
        throw new UnsupportedOperationException();
    }
}
