package dev.lte.cpu;

import static dev.lte.cpu.Lanes.WIDE;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Q6_K for matrices of few columns: per group of 32 columns the weights as ints {@code [8][rows]} as in {@link ColumnsQ8}, then d
 * {@code [rows]} as F16, then {@code [rows]} shorts with the scales of two times 16 columns. Groups stand alone, as they belong
 * to different experts: 36 bytes for 32 weights.
 */
final class ColumnsQ6K extends TileFormat {
    static final ColumnsQ6K INSTANCE = new ColumnsQ6K();

    private static final int GROUP = SplitGroups.COLUMNS;
    private static final int HALF = GROUP / 2;
    private static final int STEPS = GROUP / 4;
    private static final int COLUMNS_BYTES = 4 * ROWS;
    private static final int HALVES_BYTES = 2 * ROWS;
    private static final int GROUP_BYTES = STEPS * COLUMNS_BYTES + 2 * HALVES_BYTES;

    private ColumnsQ6K() {
        super(DType.Q6_K, SumOrder.BLOCKWISE);
    }

    @Override
    int scaleColumns() {
        return HALF;
    }

    @Override
    int columnMultiple() {
        return GROUP;
    }

    @Override
    int rowBytes(int k) {
        return k / GROUP * SplitGroups.Q6_BYTES;
    }

    @Override
    long tileBytes(int k) {
        return (long) k / GROUP * GROUP_BYTES;
    }

    /** Group after group: the weights, d and scales of 16 rows. */
    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        for (int r = 0; r < ROWS; r++) {
            for (int g = 0; g < k / GROUP; g++) {
                int from = r * rowBytes(k) + g * SplitGroups.Q6_BYTES;
                int to = g * GROUP_BYTES;
                TileQ6K.packBytes(rows, from, tile, to + 4 * r, COLUMNS_BYTES);
                int halves = to + STEPS * COLUMNS_BYTES + 2 * r;
                System.arraycopy(rows, from, tile, halves, 2);
                System.arraycopy(rows, from + 2, tile, halves + HALVES_BYTES, 2);
            }
        }
    }

    @Override
    void store(byte[] packed, MemorySegment w, long start, int allTiles, int tile, int k) {
        for (int g = 0; g < k / GROUP; g++) {
            long group = start + (long) g * allTiles * GROUP_BYTES;
            int from = g * GROUP_BYTES;
            for (int i = 0; i < STEPS; i++) {
                long to = group + ((long) i * allTiles + tile) * COLUMNS_BYTES;
                MemorySegment.copy(packed, from + i * COLUMNS_BYTES, w, ValueLayout.JAVA_BYTE, to, COLUMNS_BYTES);
            }
            for (int i = 0; i < 2; i++) {
                long to = group + halves(allTiles, i) + (long) tile * HALVES_BYTES;
                int halves = from + STEPS * COLUMNS_BYTES + i * HALVES_BYTES;
                MemorySegment.copy(packed, halves, w, ValueLayout.JAVA_BYTE, to, HALVES_BYTES);
            }
        }
    }

    /** Bytes from the beginning of a group to its d or its scales. */
    private static long halves(int allTiles, int which) {
        return ((long) STEPS * COLUMNS_BYTES + (long) which * HALVES_BYTES) * allTiles;
    }

    @Override
    int prepared(int k) {
        return TileQ6K.INSTANCE.prepared(k);
    }

    @Override
    void prepare(float[] x, int xStart, int k, float[] out, int outStart) {
        TileQ6K.INSTANCE.prepare(x, xStart, k, out, outStart);
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
        for (int b = 0; b < k / HALF; b++) {
            long group = start + (long) (b / 2) * allTiles * GROUP_BYTES;
            long at = group + (long) (b % 2 * STEPS / 2) * allTiles * COLUMNS_BYTES;
            ColumnsQ8.multiplyBlock(w, at, STEPS / 2, allTiles, vectors, x, xStart + b * HALF, scratch);
            float excess = x[xStart + k + b];
            long d = group + halves(allTiles, 0);
            if (b % 2 == 0) {
                scaleFirst(w, d, (long) allTiles * HALVES_BYTES, vectors, excess, scratch, out, outStart);
            } else {
                scaleSecond(w, d, (long) allTiles * HALVES_BYTES, vectors, excess, scratch, out, outStart);
            }
        }
    }

    private static void scaleFirst(
            MemorySegment w, long at, long scales, int vectors, float excess, float[] sums, float[] out, int outStart) {
        for (int i = 0; i < vectors; i++) {
            int to = outStart + i * WIDE.length();
            long d = at + 2L * i * WIDE.length();
            FloatVector sum =
                    FloatVector.fromArray(WIDE, sums, i * WIDE.length()).add(excess);
            FloatVector scale = Lanes.wideHalves(w, d).mul(TileQ6K.low(TileQ4.shorts(w, d + scales)));
            scale.fma(sum, FloatVector.fromArray(WIDE, out, to)).intoArray(out, to);
        }
    }

    private static void scaleSecond(
            MemorySegment w, long at, long scales, int vectors, float excess, float[] sums, float[] out, int outStart) {
        for (int i = 0; i < vectors; i++) {
            int to = outStart + i * WIDE.length();
            long d = at + 2L * i * WIDE.length();
            FloatVector sum =
                    FloatVector.fromArray(WIDE, sums, i * WIDE.length()).add(excess);
            FloatVector scale = Lanes.wideHalves(w, d).mul(TileQ6K.high(TileQ4.shorts(w, d + scales)));
            scale.fma(sum, FloatVector.fromArray(WIDE, out, to)).intoArray(out, to);
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
        for (int c = first; c < first + count; c += 4) {
            long step = start + (long) (c / GROUP) * allTiles * GROUP_BYTES;
            long at = step + ((long) (c % GROUP / 4) * allTiles + tile) * COLUMNS_BYTES;
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                TileQ8.decodeGroup(ColumnsQ8.load(w, at + 4 * r), out, outStride, (c - first) * outStride + column + r);
            }
        }
    }

    @Override
    void decodeScales(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        for (int g = 0; g < columns / GROUP; g++) {
            long at = start + (long) g * allTiles * GROUP_BYTES + halves(allTiles, 0) + (long) tile * HALVES_BYTES;
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                long d = at + 2 * r;
                FloatVector factor = Lanes.wideHalves(w, d);
                IntVector both = TileQ4.shorts(w, d + (long) allTiles * HALVES_BYTES);
                factor.mul(TileQ6K.low(both)).intoArray(out, 2 * g * outStride + column + r);
                factor.mul(TileQ6K.high(both)).intoArray(out, (2 * g + 1) * outStride + column + r);
            }
        }
    }
}
