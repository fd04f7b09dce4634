package dev.lte.cpu;

import static dev.lte.cpu.Lanes.WIDE;
import static dev.lte.cpu.Lanes.WIDE_S;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q4_0 tiles: first the F16 scales {@code [k/32][16]}, then the weights as ints {@code [k/8][16]}, each with columns 8g to
 * 8g + 7 of its row, the first in the lowest four bits. 18 bytes for 32 weights, as in a file. A weight is
 * {@code scale * (nibble - 8)}.
 *
 * <p>Activations are {@linkplain RoundedRows rounded}. The products of a block's nibbles, which are 0 to 15, fit into two shorts
 * of 16 columns each; the 8 is taken off once a block.
 */
final class TileQ4 extends TileFormat {
    static final TileQ4 INSTANCE = new TileQ4();

    private static final int BLOCK = RoundedRows.BLOCK;
    private static final int FILE_BLOCK_BYTES = 18;
    private static final int SCALE_BYTES = 2 * ROWS;
    private static final int GROUP = 8;
    private static final int GROUP_BYTES = 4 * ROWS;
    private static final int BLOCK_BYTES = BLOCK / GROUP * GROUP_BYTES;
    private static final short NIBBLE = 15;

    private TileQ4() {
        super(DType.Q4_0, SumOrder.ROUNDED);
    }

    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        int blocks = k / BLOCK;
        int rowBytes = blocks * FILE_BLOCK_BYTES;
        for (int r = 0; r < ROWS; r++) {
            for (int b = 0; b < blocks; b++) {
                int from = r * rowBytes + b * FILE_BLOCK_BYTES;
                tile[b * SCALE_BYTES + 2 * r] = rows[from];
                tile[b * SCALE_BYTES + 2 * r + 1] = rows[from + 1];
                int to = blocks * SCALE_BYTES + b * BLOCK_BYTES + 4 * r;
                for (int c = 0; c < BLOCK; c += 2) {
                    int both = nibble(rows, from + 2, c) | nibble(rows, from + 2, c + 1) << 4;
                    tile[to + c / GROUP * GROUP_BYTES + c % GROUP / 2] = (byte) both;
                }
            }
        }
    }

    /** Column c of a block in the file: the first 16 columns are the low nibbles, the last 16 the high ones. */
    private static int nibble(byte[] rows, int at, int c) {
        return c < 16 ? rows[at + c] & 15 : rows[at + c - 16] >> 4 & 15;
    }

    @Override
    int prepared(int k) {
        return RoundedRows.length(k);
    }

    /** Of every eight columns four pairs, one for each nibble of the two shorts; then what each block is too large by. */
    @Override
    int preparedIntegers(int k) {
        return k / 2 + k / BLOCK;
    }

    @Override
    void prepare(float[] x, int xStart, int k, float[] out, int outStart, int[] integers, int integersStart) {
        RoundedRows.round(x, xStart, k, out, outStart);
        for (int g = 0; g < k / GROUP; g++) {
            int at = outStart + GROUP * g;
            int to = integersStart + GROUP / 2 * g;
            for (int i = 0; i < GROUP / 2; i++) {
                integers[to + i] = RoundedRows.pair(out[at + i], out[at + i + GROUP / 2]);
            }
        }
        for (int b = 0; b < k / BLOCK; b++) {
            float sum = 0;
            for (int c = 0; c < BLOCK; c++) {
                sum += out[outStart + b * BLOCK + c];
            }
            integers[integersStart + k / 2 + b] = 8 * (int) sum;
        }
    }

    @Override
    int scratch(int tiles, int k) {
        return k / BLOCK * ROWS;
    }

    @Override
    void multiply(
            MemorySegment w, long start, int allTiles, int tile, int tiles, int columns, int first, int k,
            PreparedRows x, int row, float[] out, int outStart, float[] scratch) {
        int integers = x.integerStart(row);
        for (int i = 0; i < tiles; i++) {
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                long at = start + (tile + i) * tileBytes(columns);
                long weights = at + k / BLOCK * SCALE_BYTES;
                sumUp(w, weights + 4 * r, k / GROUP, x.integers(), integers, scratch);
                scale(
                        w, at + 2 * r, k / BLOCK, x.x(), x.rowStart(row) + k, x.integers(), integers + k / 2, scratch, out,
                        outStart + i * ROWS + r);
            }
        }
    }

    /** Sums of one vector of rows, which run on from block to block as in {@link TileQ8}. */
    private static void sumUp(MemorySegment w, long at, int groups, int[] x, int xStart, float[] sums) {
        ShortVector sum = ShortVector.zero(WIDE_S);
        for (int g = 0; g < groups; g++) {
            ShortVector v = Lanes.wideInts(w, at + (long) g * GROUP_BYTES).reinterpretAsShorts();
            int i = xStart + 4 * g;
            sum = sum.add(first(v).mul(Lanes.pairs(x[i])));
            sum = sum.add(second(v).mul(Lanes.pairs(x[i + 1])));
            sum = sum.add(third(v).mul(Lanes.pairs(x[i + 2])));
            sum = sum.add(fourth(v).mul(Lanes.pairs(x[i + 3])));
            sum.reinterpretAsInts().reinterpretAsFloats().intoArray(sums, (g >> 2) * WIDE.length());
        }
    }

    static ShortVector first(ShortVector v) {
        return v.and(NIBBLE);
    }

    static ShortVector second(ShortVector v) {
        return v.lanewise(VectorOperators.LSHR, 4).and(NIBBLE);
    }

    static ShortVector third(ShortVector v) {
        return v.lanewise(VectorOperators.LSHR, 8).and(NIBBLE);
    }

    static ShortVector fourth(ShortVector v) {
        return v.lanewise(VectorOperators.LSHR, 12);
    }

    /** {@code out += scale * (x scale * (sum - excess))}, block by block. */
    private static void scale(
            MemorySegment w, long at, int blocks, float[] x, int xScales, int[] excess, int excessStart, float[] sums,
            float[] out, int to) {
        FloatVector total = FloatVector.fromArray(WIDE, out, to);
        ShortVector before = ShortVector.zero(WIDE_S);
        for (int b = 0; b < blocks; b++) {
            ShortVector now =
                    FloatVector.fromArray(WIDE, sums, b * WIDE.length()).reinterpretAsInts().reinterpretAsShorts();
            FloatVector sum = value(now.sub(before), excess[excessStart + b]);
            total = Lanes.wideHalves(w, at + (long) b * SCALE_BYTES).fma(sum.mul(x[xScales + b]), total);
            before = now;
        }
        total.intoArray(out, to);
    }

    /** Of sums of 16 columns each. */
    static FloatVector value(ShortVector sums, int excess) {
        return (FloatVector) Lanes.addHalves(sums.reinterpretAsInts()).sub(excess).convert(VectorOperators.I2F, 0);
    }

    @Override
    void decode(
            MemorySegment w, long start, int allTiles, int tile, int columns, int first, int count, float[] out, int outStride,
            int column) {
        long weights = start + tile * tileBytes(columns) + columns / BLOCK * SCALE_BYTES + (long) first / GROUP * GROUP_BYTES;
        for (int r = 0; r < ROWS; r += WIDE.length()) {
            for (int g = 0; g < count / GROUP; g++) {
                IntVector v = Lanes.wideInts(w, weights + 4 * r + (long) g * GROUP_BYTES);
                decodeGroup(v, out, outStride, g * GROUP * outStride + column + r);
            }
        }
    }

    /** Eight columns of one vector of rows. */
    static void decodeGroup(IntVector v, float[] out, int outStride, int to) {
        for (int c = 0; c < GROUP; c++) {
            IntVector nibbles = v.lanewise(VectorOperators.LSHR, 4 * c).and(NIBBLE).sub(8);
            ((FloatVector) nibbles.convert(VectorOperators.I2F, 0)).intoArray(out, to + c * outStride);
        }
    }

    @Override
    void decodeScales(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        long at = start + tile * tileBytes(columns);
        TileQ8.decodeScales(w, at, SCALE_BYTES, columns / BLOCK, out, outStride, column);
    }

    @Override
    void decodeRow(MemorySegment w, long start, int k, int r, int first, int count, float[] out, int outStart) {
        for (int c = first; c < first + count; c++) {
            float scale = Float.float16ToFloat(w.get(CpuTensor.SHORT, start + c / BLOCK * SCALE_BYTES + 2 * r));
            long at = start + k / BLOCK * SCALE_BYTES + (long) c / GROUP * GROUP_BYTES + 4 * r + c % GROUP / 2;
            int nibble = w.get(ValueLayout.JAVA_BYTE, at) >> c % 2 * 4 & 15;
            out[outStart + c - first] = scale * (nibble - 8);
        }
    }
}
