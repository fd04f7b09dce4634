package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.I;
import static dev.lte.cpu.Lanes.L;
import static dev.lte.cpu.Lanes.ORDER;
import static dev.lte.cpu.Lanes.WIDE;
import static dev.lte.cpu.Lanes.WIDE_I;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Q4_0 tiles. Each block of 32 columns is 16 F16 scales followed by {@code [8][16]} shorts, both in position order; short
 * {@code [g][p]} holds columns 4g to 4g + 3 of its row, the first in the lowest four bits: 288 bytes, as many as the 16 rows
 * take in a file. A weight is {@code scale * (nibble - 8)}.
 */
final class TileQ4 extends TileFormat {
    static final TileQ4 INSTANCE = new TileQ4();

    private static final int BLOCK = 32;
    private static final int FILE_BLOCK_BYTES = 18;
    private static final int SCALE_BYTES = 2 * ROWS;
    private static final int GROUP_BYTES = 2 * ROWS;
    private static final int BLOCK_BYTES = SCALE_BYTES + BLOCK / 4 * GROUP_BYTES;
    private static final VectorSpecies<Short> WIDE_SHORTS = ShortVector.SPECIES_256;

    private TileQ4() {
        super(DType.Q4_0);
    }

    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        int rowBytes = k / BLOCK * FILE_BLOCK_BYTES;
        for (int r = 0; r < ROWS; r++) {
            int position = position(r);
            for (int b = 0; b < k / BLOCK; b++) {
                int from = r * rowBytes + b * FILE_BLOCK_BYTES;
                int to = b * BLOCK_BYTES + 2 * position;
                tile[to] = rows[from];
                tile[to + 1] = rows[from + 1];
                for (int c = 0; c < BLOCK; c += 2) {
                    int at = to + SCALE_BYTES + c / 4 * GROUP_BYTES + c % 4 / 2;
                    tile[at] = (byte) (nibble(rows, from + 2, c) | nibble(rows, from + 2, c + 1) << 4);
                }
            }
        }
    }

    /** Column c of a block in the file: the first 16 columns are the low nibbles, the last 16 the high ones. */
    private static int nibble(byte[] rows, int at, int c) {
        return c < 16 ? rows[at + c] & 15 : rows[at + c - 16] >> 4 & 15;
    }

    @Override
    void multiply(
            MemorySegment w, long start, int tiles, long tileStride, int k, float[] x, int xStart, float[] out, int outStart) {
        for (int tile = 0; tile < tiles; tile++) {
            long at = start + tile * tileStride;
            int to = outStart + tile * ROWS;
            if (WIDE.length() == ROWS) {
                multiplyWide(w, at, k / BLOCK, x, xStart, out, to);
            } else {
                for (int r = 0; r < 8; r += L) {
                    multiplyLanes(w, at, r, k / BLOCK, x, xStart, out, to + r);
                }
            }
        }
    }

    /** All 16 rows in one vector, in position order until the end. */
    private static void multiplyWide(MemorySegment w, long at, int blocks, float[] x, int xStart, float[] out, int to) {
        FloatVector sum = FloatVector.zero(WIDE);
        for (int b = 0; b < blocks; b++) {
            long o = at + (long) b * BLOCK_BYTES;
            FloatVector sum0 = FloatVector.zero(WIDE);
            FloatVector sum1 = FloatVector.zero(WIDE);
            FloatVector sum2 = FloatVector.zero(WIDE);
            FloatVector sum3 = FloatVector.zero(WIDE);
            for (int g = 0; g < BLOCK / 4; g++) {
                IntVector v = (IntVector) ShortVector.fromMemorySegment(
                                WIDE_SHORTS, w, o + SCALE_BYTES + g * GROUP_BYTES, ORDER)
                        .convertShape(VectorOperators.S2I, WIDE_I, 0);
                int i = xStart + b * BLOCK + 4 * g;
                sum0 = value(v, 0).fma(FloatVector.broadcast(WIDE, x[i]), sum0);
                sum1 = value(v, 4).fma(FloatVector.broadcast(WIDE, x[i + 1]), sum1);
                sum2 = value(v, 8).fma(FloatVector.broadcast(WIDE, x[i + 2]), sum2);
                sum3 = value(v, 12).fma(FloatVector.broadcast(WIDE, x[i + 3]), sum3);
            }
            sum = sum0.add(sum1).add(sum2.add(sum3)).fma(TileQ8.wideScales(w, o), sum);
        }
        TileQ8.addInRowOrder(sum, out, to);
    }

    /** {@code ((v >> shift) & 15) - 8} as floats. */
    private static FloatVector value(IntVector v, int shift) {
        return (FloatVector)
                v.lanewise(VectorOperators.LSHR, shift).and(15).sub(8).convert(VectorOperators.I2F, 0);
    }

    /** Rows r and 8 + r onwards, one vector each. */
    private static void multiplyLanes(MemorySegment w, long at, int r, int blocks, float[] x, int xStart, float[] out, int to) {
        FloatVector low = FloatVector.zero(F);
        FloatVector high = FloatVector.zero(F);
        for (int b = 0; b < blocks; b++) {
            long o = at + (long) b * BLOCK_BYTES;
            FloatVector low0 = FloatVector.zero(F);
            FloatVector high0 = FloatVector.zero(F);
            FloatVector low1 = FloatVector.zero(F);
            FloatVector high1 = FloatVector.zero(F);
            for (int g = 0; g < BLOCK / 4; g++) {
                IntVector v = IntVector.fromMemorySegment(I, w, o + SCALE_BYTES + g * GROUP_BYTES + 4 * r, ORDER);
                int i = xStart + b * BLOCK + 4 * g;
                FloatVector x0 = FloatVector.broadcast(F, x[i]);
                FloatVector x1 = FloatVector.broadcast(F, x[i + 1]);
                FloatVector x2 = FloatVector.broadcast(F, x[i + 2]);
                FloatVector x3 = FloatVector.broadcast(F, x[i + 3]);
                low0 = value(v, 0).fma(x0, low0);
                high0 = value(v, 16).fma(x0, high0);
                low1 = value(v, 4).fma(x1, low1);
                high1 = value(v, 20).fma(x1, high1);
                low0 = value(v, 8).fma(x2, low0);
                high0 = value(v, 24).fma(x2, high0);
                low1 = value(v, 12).fma(x3, low1);
                high1 = value(v, 28).fma(x3, high1);
            }
            IntVector scales = IntVector.fromMemorySegment(I, w, o + 4 * r, ORDER);
            low = low0.add(low1).fma(Lanes.halfToFloat(scales.lanewise(VectorOperators.LSHL, 16)), low);
            high = high0.add(high1).fma(Lanes.halfToFloat(scales.and(0xffff0000)), high);
        }
        TileF32.add(low, out, to);
        TileF32.add(high, out, to + 8);
    }

    @Override
    void decode(MemorySegment w, long start, int k, float[] out, int outStride, int column) {
        for (int b = 0; b < k / BLOCK; b++) {
            for (int r = 0; r < 8; r += L) {
                decodeBlock(w, start + (long) b * BLOCK_BYTES, r, out, outStride, b * BLOCK * outStride + column + r);
            }
        }
    }

    private static void decodeBlock(MemorySegment w, long o, int r, float[] out, int outStride, int to) {
        IntVector scales = IntVector.fromMemorySegment(I, w, o + 4 * r, ORDER);
        FloatVector lowScale = Lanes.halfToFloat(scales.lanewise(VectorOperators.LSHL, 16));
        FloatVector highScale = Lanes.halfToFloat(scales.and(0xffff0000));
        for (int g = 0; g < BLOCK / 4; g++) {
            IntVector v = IntVector.fromMemorySegment(I, w, o + SCALE_BYTES + g * GROUP_BYTES + 4 * r, ORDER);
            int i = to + 4 * g * outStride;
            value(v, 0).mul(lowScale).intoArray(out, i);
            value(v, 16).mul(highScale).intoArray(out, i + 8);
            value(v, 4).mul(lowScale).intoArray(out, i + outStride);
            value(v, 20).mul(highScale).intoArray(out, i + outStride + 8);
            value(v, 8).mul(lowScale).intoArray(out, i + 2 * outStride);
            value(v, 24).mul(highScale).intoArray(out, i + 2 * outStride + 8);
            value(v, 12).mul(lowScale).intoArray(out, i + 3 * outStride);
            value(v, 28).mul(highScale).intoArray(out, i + 3 * outStride + 8);
        }
    }

    @Override
    void decodeRow(MemorySegment w, long start, int r, int k, float[] out, int outStart) {
        int position = position(r);
        for (int b = 0; b < k / BLOCK; b++) {
            long o = start + (long) b * BLOCK_BYTES + 2 * position;
            float scale = Float.float16ToFloat(w.get(CpuTensor.SHORT, o));
            for (int c = 0; c < BLOCK; c++) {
                int nibbles = w.get(CpuTensor.SHORT, o + SCALE_BYTES + c / 4 * GROUP_BYTES);
                out[outStart + b * BLOCK + c] = scale * ((nibbles >> c % 4 * 4 & 15) - 8);
            }
        }
    }
}
