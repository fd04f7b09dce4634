package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.I;
import static dev.lte.cpu.Lanes.L;
import static dev.lte.cpu.Lanes.ORDER;
import static dev.lte.cpu.Lanes.S;
import static dev.lte.cpu.Lanes.WIDE;
import static dev.lte.cpu.Lanes.WIDE_I;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Q8_0 tiles. Each block of 32 columns is 16 F16 scales followed by {@code [32][16]} signed bytes, both in position order:
 * 544 bytes, as many as the 16 rows take in a file.
 *
 * <p>Activations stay F32: with a lane per row the conversion of a weight costs one instruction, and quantising activations
 * to bytes (16-bit products, pairwise sums) was no faster.
 */
final class TileQ8 extends TileFormat {
    static final TileQ8 INSTANCE = new TileQ8();

    private static final int BLOCK = 32;
    private static final int SCALE_BYTES = 2 * ROWS;
    private static final int BLOCK_BYTES = SCALE_BYTES + BLOCK * ROWS;
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, 16 * L)));
    private static final VectorSpecies<Byte> WIDE_BYTES = ByteVector.SPECIES_128;
    private static final VectorSpecies<Short> WIDE_SCALES = ShortVector.SPECIES_256;

    private TileQ8() {
        super(DType.Q8_0);
    }

    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        int rowBytes = k / BLOCK * 34;
        for (int r = 0; r < ROWS; r++) {
            int position = position(r);
            for (int b = 0; b < k / BLOCK; b++) {
                int from = r * rowBytes + b * 34;
                int to = b * BLOCK_BYTES;
                tile[to + 2 * position] = rows[from];
                tile[to + 2 * position + 1] = rows[from + 1];
                for (int c = 0; c < BLOCK; c++) {
                    tile[to + SCALE_BYTES + c * ROWS + position] = rows[from + 2 + c];
                }
            }
        }
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
            for (int c = 0; c < BLOCK; c += 4) {
                long q = o + SCALE_BYTES + c * ROWS;
                int i = xStart + b * BLOCK + c;
                sum0 = wide(w, q).fma(FloatVector.broadcast(WIDE, x[i]), sum0);
                sum1 = wide(w, q + ROWS).fma(FloatVector.broadcast(WIDE, x[i + 1]), sum1);
                sum2 = wide(w, q + 2 * ROWS).fma(FloatVector.broadcast(WIDE, x[i + 2]), sum2);
                sum3 = wide(w, q + 3 * ROWS).fma(FloatVector.broadcast(WIDE, x[i + 3]), sum3);
            }
            sum = sum0.add(sum1).add(sum2.add(sum3)).fma(wideScales(w, o), sum);
        }
        addInRowOrder(sum, out, to);
    }

    private static FloatVector wide(MemorySegment w, long at) {
        return (FloatVector) ByteVector.fromMemorySegment(WIDE_BYTES, w, at, ORDER).convertShape(VectorOperators.B2F, WIDE, 0);
    }

    /** 16 F16 scales in position order. */
    static FloatVector wideScales(MemorySegment w, long at) {
        IntVector bits = (IntVector) ShortVector.fromMemorySegment(WIDE_SCALES, w, at, ORDER)
                .convertShape(VectorOperators.S2I, WIDE_I, 0);
        return Lanes.halfToFloat(bits.lanewise(VectorOperators.LSHL, 16));
    }

    /** {@code out[to + r] += v[position(r)]}. */
    static void addInRowOrder(FloatVector v, float[] out, int to) {
        v.rearrange(Lanes.ROW_ORDER).add(FloatVector.fromArray(WIDE, out, to)).intoArray(out, to);
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
            for (int c = 0; c < BLOCK; c += 2) {
                long q = o + SCALE_BYTES + c * ROWS + 2 * r;
                FloatVector x0 = FloatVector.broadcast(F, x[xStart + b * BLOCK + c]);
                FloatVector x1 = FloatVector.broadcast(F, x[xStart + b * BLOCK + c + 1]);
                IntVector v0 = pairs(w, q);
                IntVector v1 = pairs(w, q + ROWS);
                low0 = low(v0).fma(x0, low0);
                high0 = high(v0).fma(x0, high0);
                low1 = low(v1).fma(x1, low1);
                high1 = high(v1).fma(x1, high1);
            }
            IntVector scales = IntVector.fromMemorySegment(I, w, o + 4 * r, ORDER);
            low = low0.add(low1).fma(Lanes.halfToFloat(scales.lanewise(VectorOperators.LSHL, 16)), low);
            high = high0.add(high1).fma(Lanes.halfToFloat(scales.and(0xffff0000)), high);
        }
        TileF32.add(low, out, to);
        TileF32.add(high, out, to + 8);
    }

    /** Sign-extended bytes, two to an int lane. */
    private static IntVector pairs(MemorySegment w, long at) {
        return ((ShortVector) ByteVector.fromMemorySegment(BYTES, w, at, ORDER).convertShape(VectorOperators.B2S, S, 0))
                .reinterpretAsInts();
    }

    private static FloatVector low(IntVector pairs) {
        return (FloatVector) pairs.lanewise(VectorOperators.LSHL, 16)
                .lanewise(VectorOperators.ASHR, 16)
                .convert(VectorOperators.I2F, 0);
    }

    private static FloatVector high(IntVector pairs) {
        return (FloatVector) pairs.lanewise(VectorOperators.ASHR, 16).convert(VectorOperators.I2F, 0);
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
        for (int c = 0; c < BLOCK; c++) {
            IntVector v = pairs(w, o + SCALE_BYTES + c * ROWS + 2 * r);
            low(v).mul(lowScale).intoArray(out, to + c * outStride);
            high(v).mul(highScale).intoArray(out, to + c * outStride + 8);
        }
    }

    @Override
    void decodeRow(MemorySegment w, long start, int r, int k, float[] out, int outStart) {
        int position = position(r);
        for (int b = 0; b < k / BLOCK; b++) {
            long o = start + (long) b * BLOCK_BYTES;
            float scale = Float.float16ToFloat(w.get(CpuTensor.SHORT, o + 2 * position));
            for (int c = 0; c < BLOCK; c++) {
                out[outStart + b * BLOCK + c] =
                        scale * w.get(ValueLayout.JAVA_BYTE, o + SCALE_BYTES + c * ROWS + position);
            }
        }
    }
}
