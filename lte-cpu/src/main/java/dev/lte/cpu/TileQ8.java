package dev.lte.cpu;

import static dev.lte.cpu.Lanes.ORDER;
import static dev.lte.cpu.Lanes.WIDE;
import static dev.lte.cpu.Lanes.WIDE_I;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q8_0 tiles: first the F16 scales {@code [k/32][16]}, then the weights as ints {@code [k/4][16]}, each with columns 4g to
 * 4g + 3 of its row, the first in the lowest byte. 34 bytes for 32 weights, as in a file.
 *
 * <p>Activations are {@linkplain RoundedRows rounded}. Two products of a weight and an activation fit into a short, so a short
 * lane multiplies its two bytes and adds them up before the sum is widened.
 */
final class TileQ8 extends TileFormat {
    static final TileQ8 INSTANCE = new TileQ8();

    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ORDER);

    private static final int BLOCK = RoundedRows.BLOCK;
    private static final int FILE_BLOCK_BYTES = 34;
    private static final int SCALE_BYTES = 2 * ROWS;
    private static final int GROUP_BYTES = 4 * ROWS;

    private TileQ8() {
        super(DType.Q8_0, SumOrder.ROUNDED);
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
                int to = blocks * SCALE_BYTES + b * BLOCK * ROWS + 4 * r;
                for (int g = 0; g < BLOCK / 4; g++) {
                    INT.set(tile, to + g * GROUP_BYTES, (int) INT.get(rows, from + 2 + 4 * g));
                }
            }
        }
    }

    @Override
    int prepared(int k) {
        return RoundedRows.length(k);
    }

    /** Of every four columns two pairs: what the low bytes of shorts are multiplied with, and the high bytes. */
    @Override
    int preparedIntegers(int k) {
        return k / 2;
    }

    @Override
    void prepare(float[] x, int xStart, int k, float[] out, int outStart, int[] integers, int integersStart) {
        RoundedRows.round(x, xStart, k, out, outStart);
        for (int g = 0; g < k / 4; g++) {
            int at = outStart + 4 * g;
            integers[integersStart + 2 * g] = RoundedRows.pair(out[at], out[at + 2]);
            integers[integersStart + 2 * g + 1] = RoundedRows.pair(out[at + 1], out[at + 3]);
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
        for (int i = 0; i < tiles; i++) {
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                long at = start + (tile + i) * tileBytes(columns);
                long weights = at + k / BLOCK * SCALE_BYTES;
                sumUp(w, weights + 4 * r, k / 4, x.integers(), x.integerStart(row), scratch);
                scale(w, at + 2 * r, k / BLOCK, x.x(), x.rowStart(row) + k, scratch, out, outStart + i * ROWS + r);
            }
        }
    }

    /**
     * Sums of one vector of rows. They run on from block to block, so that the loop has no end inside: those of a block are the
     * difference to those before it, exactly, even if the sums have gone round.
     */
    private static void sumUp(MemorySegment w, long at, int groups, int[] x, int xStart, float[] sums) {
        IntVector sum = IntVector.zero(WIDE_I);
        for (int g = 0; g < groups; g++) {
            ShortVector v = Lanes.wideInts(w, at + (long) g * GROUP_BYTES).reinterpretAsShorts();
            ShortVector products = low(v).mul(Lanes.pairs(x[xStart + 2 * g]));
            products = products.add(high(v).mul(Lanes.pairs(x[xStart + 2 * g + 1])));
            sum = sum.add(Lanes.addHalves(products.reinterpretAsInts()));
            sum.reinterpretAsFloats().intoArray(sums, (g >> 3) * WIDE.length());
        }
    }

    /** {@code out += scale * (x scale * sum)}, block by block. */
    private static void scale(
            MemorySegment w, long at, int blocks, float[] x, int xScales, float[] sums, float[] out, int to) {
        FloatVector total = FloatVector.fromArray(WIDE, out, to);
        IntVector before = IntVector.zero(WIDE_I);
        for (int b = 0; b < blocks; b++) {
            IntVector now = FloatVector.fromArray(WIDE, sums, b * WIDE.length()).reinterpretAsInts();
            FloatVector sum = (FloatVector) now.sub(before).convert(VectorOperators.I2F, 0);
            total = Lanes.wideHalves(w, at + (long) b * SCALE_BYTES).fma(sum.mul(x[xScales + b]), total);
            before = now;
        }
        total.intoArray(out, to);
    }

    /** The low bytes of shorts. */
    static ShortVector low(ShortVector v) {
        return v.lanewise(VectorOperators.LSHL, 8).lanewise(VectorOperators.ASHR, 8);
    }

    /** The high bytes of shorts. */
    static ShortVector high(ShortVector v) {
        return v.lanewise(VectorOperators.ASHR, 8);
    }

    @Override
    void decode(
            MemorySegment w, long start, int allTiles, int tile, int columns, int first, int count, float[] out, int outStride,
            int column) {
        long weights = start + tile * tileBytes(columns) + columns / BLOCK * SCALE_BYTES + (long) first / 4 * GROUP_BYTES;
        for (int r = 0; r < ROWS; r += WIDE.length()) {
            decodeLanes(w, weights + 4 * r, count / 4, out, outStride, column + r);
        }
    }

    private static void decodeLanes(MemorySegment w, long at, int groups, float[] out, int outStride, int to) {
        for (int g = 0; g < groups; g++) {
            decodeGroup(Lanes.wideInts(w, at + (long) g * GROUP_BYTES), out, outStride, to + 4 * g * outStride);
        }
    }

    /** Four columns of one vector of rows. */
    static void decodeGroup(IntVector v, float[] out, int outStride, int to) {
        value(v.lanewise(VectorOperators.LSHL, 24)).intoArray(out, to);
        value(v.lanewise(VectorOperators.LSHL, 16)).intoArray(out, to + outStride);
        value(v.lanewise(VectorOperators.LSHL, 8)).intoArray(out, to + 2 * outStride);
        value(v).intoArray(out, to + 3 * outStride);
    }

    /** The highest bytes of ints. */
    private static FloatVector value(IntVector v) {
        return (FloatVector) v.lanewise(VectorOperators.ASHR, 24).convert(VectorOperators.I2F, 0);
    }

    @Override
    void decodeScales(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        long at = start + tile * tileBytes(columns);
        decodeScales(w, at, SCALE_BYTES, columns / BLOCK, out, outStride, column);
    }

    /** Scales of a tile that are {@code blockStride} bytes apart from block to block. */
    static void decodeScales(
            MemorySegment w, long at, long blockStride, int blocks, float[] out, int outStride, int column) {
        for (int b = 0; b < blocks; b++) {
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                Lanes.wideHalves(w, at + b * blockStride + 2 * r).intoArray(out, b * outStride + column + r);
            }
        }
    }

    @Override
    void decodeRow(MemorySegment w, long start, int k, int r, int first, int count, float[] out, int outStart) {
        for (int c = first; c < first + count; c++) {
            int b = c / BLOCK;
            float scale = Float.float16ToFloat(w.get(CpuTensor.SHORT, start + b * SCALE_BYTES + 2 * r));
            long at = start + k / BLOCK * SCALE_BYTES + (long) c / 4 * GROUP_BYTES + 4 * r + c % 4;
            out[outStart + c - first] = scale * w.get(ValueLayout.JAVA_BYTE, at);
        }
    }
}
