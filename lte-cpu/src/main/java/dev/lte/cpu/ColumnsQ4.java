package dev.lte.cpu;

import static dev.lte.cpu.Lanes.WIDE;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;

/**
 * Q4_0 for matrices of few columns: per block of 32 columns the weights as ints {@code [4][rows]}, each with eight columns of
 * its row as in {@link TileQ4}, then the F16 scales {@code [rows]}. A pass over all rows multiplies with eight activations that
 * stay in registers; unscaled sums, pairs of shorts in the bits of floats, wait in the first-level cache.
 */
final class ColumnsQ4 extends TileFormat {
    static final ColumnsQ4 INSTANCE = new ColumnsQ4();

    private static final int BLOCK = RoundedRows.BLOCK;
    private static final int GROUP = 8;
    private static final int GROUPS = BLOCK / GROUP;
    private static final int SCALE_BYTES = 2 * ROWS;
    private static final int GROUP_BYTES = 4 * ROWS;
    private static final int BLOCK_BYTES = SCALE_BYTES + GROUPS * GROUP_BYTES;

    private ColumnsQ4() {
        super(DType.Q4_0, SumOrder.ROUNDED);
    }

    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        TileQ4.INSTANCE.pack(rows, k, tile);
    }

    /** Takes a {@link TileQ4} tile apart. */
    @Override
    void store(byte[] packed, MemorySegment w, long start, int allTiles, int tile, int k) {
        int weights = k / BLOCK * SCALE_BYTES;
        for (int b = 0; b < k / BLOCK; b++) {
            long block = start + (long) b * allTiles * BLOCK_BYTES;
            for (int g = 0; g < GROUPS; g++) {
                int from = weights + (b * GROUPS + g) * GROUP_BYTES;
                long to = block + ((long) g * allTiles + tile) * GROUP_BYTES;
                MemorySegment.copy(packed, from, w, ValueLayout.JAVA_BYTE, to, GROUP_BYTES);
            }
            long to = block + (long) GROUPS * allTiles * GROUP_BYTES + (long) tile * SCALE_BYTES;
            MemorySegment.copy(packed, b * SCALE_BYTES, w, ValueLayout.JAVA_BYTE, to, SCALE_BYTES);
        }
    }

    @Override
    int prepared(int k) {
        return TileQ4.INSTANCE.prepared(k);
    }

    @Override
    int preparedIntegers(int k) {
        return TileQ4.INSTANCE.preparedIntegers(k);
    }

    @Override
    void prepare(float[] x, int xStart, int k, float[] out, int outStart, int[] integers, int integersStart) {
        TileQ4.INSTANCE.prepare(x, xStart, k, out, outStart, integers, integersStart);
    }

    @Override
    int scratch(int tiles, int k) {
        return tiles * ROWS;
    }

    /** All tiles at once. */
    @Override
    void multiply(
            MemorySegment w, long start, int allTiles, int tile, int tiles, int columns, int first, int k,
            PreparedRows x, int row, float[] out, int outStart, float[] scratch) {
        int vectors = allTiles * (ROWS / WIDE.length());
        int[] integers = x.integers();
        for (int b = 0; b < k / BLOCK; b++) {
            long block = start + (long) b * allTiles * BLOCK_BYTES;
            int at = x.integerStart(row) + b * BLOCK / 2;
            multiplyFirst(w, block, vectors, integers, at, scratch);
            for (int g = 1; g < GROUPS; g++) {
                multiplyNext(w, block + (long) g * allTiles * GROUP_BYTES, vectors, integers, at + 4 * g, scratch);
            }
            long scales = block + (long) GROUPS * allTiles * GROUP_BYTES;
            int excess = integers[x.integerStart(row) + k / 2 + b];
            scale(w, scales, vectors, excess, x.x()[x.rowStart(row) + k + b], scratch, out, outStart);
        }
    }

    private static void multiplyFirst(MemorySegment w, long at, int vectors, int[] x, int xAt, float[] sums) {
        ShortVector x0 = Lanes.pairs(x[xAt]);
        ShortVector x1 = Lanes.pairs(x[xAt + 1]);
        ShortVector x2 = Lanes.pairs(x[xAt + 2]);
        ShortVector x3 = Lanes.pairs(x[xAt + 3]);
        for (int i = 0; i < vectors; i++) {
            ShortVector v = Lanes.wideInts(w, at + (long) i * 4 * WIDE.length()).reinterpretAsShorts();
            ShortVector sum = TileQ4.first(v).mul(x0);
            sum = sum.add(TileQ4.second(v).mul(x1));
            sum = sum.add(TileQ4.third(v).mul(x2));
            sum = sum.add(TileQ4.fourth(v).mul(x3));
            sum.reinterpretAsInts().reinterpretAsFloats().intoArray(sums, i * WIDE.length());
        }
    }

    private static void multiplyNext(MemorySegment w, long at, int vectors, int[] x, int xAt, float[] sums) {
        ShortVector x0 = Lanes.pairs(x[xAt]);
        ShortVector x1 = Lanes.pairs(x[xAt + 1]);
        ShortVector x2 = Lanes.pairs(x[xAt + 2]);
        ShortVector x3 = Lanes.pairs(x[xAt + 3]);
        for (int i = 0; i < vectors; i++) {
            ShortVector v = Lanes.wideInts(w, at + (long) i * 4 * WIDE.length()).reinterpretAsShorts();
            ShortVector sum = sums(sums, i).add(TileQ4.first(v).mul(x0));
            sum = sum.add(TileQ4.second(v).mul(x1));
            sum = sum.add(TileQ4.third(v).mul(x2));
            sum = sum.add(TileQ4.fourth(v).mul(x3));
            sum.reinterpretAsInts().reinterpretAsFloats().intoArray(sums, i * WIDE.length());
        }
    }

    private static ShortVector sums(float[] sums, int i) {
        return FloatVector.fromArray(WIDE, sums, i * WIDE.length()).reinterpretAsInts().reinterpretAsShorts();
    }

    /** {@code out += scale * (factor * (sums - excess))}. */
    private static void scale(
            MemorySegment w, long at, int vectors, int excess, float factor, float[] sums, float[] out, int outStart) {
        for (int i = 0; i < vectors; i++) {
            int to = outStart + i * WIDE.length();
            FloatVector sum = TileQ4.value(sums(sums, i), excess).mul(factor);
            Lanes.wideHalves(w, at + 2L * i * WIDE.length())
                    .fma(sum, FloatVector.fromArray(WIDE, out, to))
                    .intoArray(out, to);
        }
    }

    @Override
    void decode(
            MemorySegment w, long start, int allTiles, int tile, int columns, int first, int count, float[] out, int outStride,
            int column) {
        for (int b = first / BLOCK; b < (first + count) / BLOCK; b++) {
            long block = start + (long) b * allTiles * BLOCK_BYTES;
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                long at = block + (long) tile * GROUP_BYTES + 4 * r;
                int to = (b * BLOCK - first) * outStride + column + r;
                decodeBlock(w, at, (long) allTiles * GROUP_BYTES, out, outStride, to);
            }
        }
    }

    private static void decodeBlock(MemorySegment w, long at, long groupStride, float[] out, int outStride, int to) {
        for (int g = 0; g < GROUPS; g++) {
            TileQ4.decodeGroup(Lanes.wideInts(w, at + g * groupStride), out, outStride, to + GROUP * g * outStride);
        }
    }

    @Override
    void decodeScales(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        long at = start + (long) GROUPS * allTiles * GROUP_BYTES + (long) tile * SCALE_BYTES;
        TileQ8.decodeScales(w, at, (long) allTiles * BLOCK_BYTES, columns / BLOCK, out, outStride, column);
    }

    /** Nothing reads rows of a down projection. */
    @Override
    void decodeRow(MemorySegment w, long start, int k, int r, int first, int count, float[] out, int outStart) {
        throw new UnsupportedOperationException();
    }
}
