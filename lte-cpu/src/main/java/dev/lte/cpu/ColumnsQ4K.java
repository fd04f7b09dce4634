package dev.lte.cpu;

import static dev.lte.cpu.Lanes.WIDE;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

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
    void prepare(float[] x, int xStart, int k, float[] out, int outStart) {
        TileQ4K.INSTANCE.prepare(x, xStart, k, out, outStart);
    }

    @Override
    int scratch(int tiles, int k) {
        return tiles * ROWS;
    }

    /** All tiles at once. */
    @Override
    void multiply(
            MemorySegment w,
            long start,
            int allTiles,
            int tile,
            int tiles,
            int columns,
            int first,
            int k,
            float[] x,
            int xStart,
            float[] out,
            int outStart,
            float[] scratch) {
        int vectors = allTiles * (ROWS / WIDE.length());
        int groups = k / GROUP;
        for (int g = 0; g < groups; g++) {
            long at = start + (long) g * allTiles * GROUP_BYTES;
            ColumnsQ4.multiplyBlock(w, at, allTiles, vectors, x, xStart + g * GROUP, scratch);
            float small = x[xStart + k + g];
            float min = x[xStart + k + groups + g];
            scale(w, at + halves(allTiles, 0), allTiles, vectors, small, min, scratch, out, outStart);
        }
    }

    /** Bytes from the beginning of a group to its d, dmin or scales. */
    private static long halves(int allTiles, int which) {
        return ((long) STEPS * COLUMNS_BYTES + (long) which * HALVES_BYTES) * allTiles;
    }

    /** {@code out += scale * (sums + small)}, then {@code out += min * allX}. */
    private static void scale(
            MemorySegment w,
            long at,
            int allTiles,
            int vectors,
            float small,
            float allX,
            float[] sums,
            float[] out,
            int outStart) {
        long mins = (long) allTiles * HALVES_BYTES;
        FloatVector x = FloatVector.broadcast(WIDE, allX);
        for (int i = 0; i < vectors; i++) {
            int to = outStart + i * WIDE.length();
            long d = at + 2L * i * WIDE.length();
            FloatVector sum =
                    FloatVector.fromArray(WIDE, sums, i * WIDE.length()).add(small);
            FloatVector scaled = TileQ4K.scale(w, d, d + 2 * mins).fma(sum, FloatVector.fromArray(WIDE, out, to));
            TileQ4K.min(w, d + mins, d + 2 * mins).fma(x, scaled).intoArray(out, to);
        }
    }

    @Override
    void decode(
            MemorySegment w,
            long start,
            int allTiles,
            int tile,
            int columns,
            int first,
            int count,
            float[] out,
            int outStride,
            int column) {
        for (int g = first / GROUP; g < (first + count) / GROUP; g++) {
            long at = start + (long) g * allTiles * GROUP_BYTES + (long) tile * COLUMNS_BYTES;
            int to = (g * GROUP - first) * outStride + column;
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                ColumnsQ4.decodeBlock(w, at + 2 * r, (long) allTiles * COLUMNS_BYTES, out, outStride, to + r);
            }
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
}
