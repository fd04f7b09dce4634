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
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** BF16 tiles: {@code [k][16]} in position order. */
final class TileBf16 extends TileFormat {
    static final TileBf16 INSTANCE = new TileBf16();

    private static final int COLUMN_BYTES = 2 * ROWS;
    private static final VectorMask<Integer> LOWER = WIDE_I.indexInRange(0, WIDE_I.length() / 2);

    private TileBf16() {
        super(DType.BF16, SumOrder.ALTERNATING);
    }

    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        packShorts(rows, k, tile);
    }

    /** Interleaves rows of 16-bit elements. */
    static void packShorts(byte[] rows, int k, byte[] tile) {
        for (int r = 0; r < ROWS; r++) {
            int position = position(r);
            for (int c = 0; c < k; c++) {
                int from = (r * k + c) * 2;
                int to = (c * ROWS + position) * 2;
                tile[to] = rows[from];
                tile[to + 1] = rows[from + 1];
            }
        }
    }

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
        for (int i = 0; i < tiles; i++) {
            long at = start + (tile + i) * tileBytes(columns) + columnOffset(first);
            if (Lanes.HAS_512) {
                multiplyPairs(w, at, k, x, xStart, out, outStart + i * ROWS);
            } else {
                for (int r = 0; r < 8; r += L) {
                    multiplyLanes(w, at + 4 * r, k, x, xStart, out, outStart + i * ROWS + r);
                }
            }
        }
    }

    /** All rows, two columns to a vector: an even one in the lower half, the odd one after it in the upper. */
    private static void multiplyPairs(MemorySegment w, long at, int k, float[] x, int xStart, float[] out, int to) {
        FloatVector low = FloatVector.zero(WIDE);
        FloatVector high = FloatVector.zero(WIDE);
        int c = 0;
        for (; c < k - 3; c += 4) {
            long o = at + (long) c * COLUMN_BYTES;
            int i = xStart + c;
            IntVector v = IntVector.fromMemorySegment(WIDE_I, w, o, ORDER);
            IntVector u = IntVector.fromMemorySegment(WIDE_I, w, o + 2 * COLUMN_BYTES, ORDER);
            FloatVector xv = FloatVector.broadcast(WIDE, x[i]).blend(x[i + 1], Lanes.UPPER_HALF);
            FloatVector xu = FloatVector.broadcast(WIDE, x[i + 2]).blend(x[i + 3], Lanes.UPPER_HALF);
            low = wideLow(v).fma(xv, low);
            high = wideHigh(v).fma(xv, high);
            low = wideLow(u).fma(xu, low);
            high = wideHigh(u).fma(xu, high);
        }
        for (; c < k - 1; c += 2) {
            IntVector v = IntVector.fromMemorySegment(WIDE_I, w, at + (long) c * COLUMN_BYTES, ORDER);
            FloatVector xv = FloatVector.broadcast(WIDE, x[xStart + c]).blend(x[xStart + c + 1], Lanes.UPPER_HALF);
            low = wideLow(v).fma(xv, low);
            high = wideHigh(v).fma(xv, high);
        }
        if (c < k) {
            // What follows in memory is no column of this product.
            IntVector v = IntVector.fromMemorySegment(WIDE_I, w, at + (long) c * COLUMN_BYTES, ORDER, LOWER);
            FloatVector xv = FloatVector.broadcast(WIDE, x[xStart + c]);
            low = wideLow(v).fma(xv, low);
            high = wideHigh(v).fma(xv, high);
        }
        // Both halves of each hold the sum of both. No method: C2 no longer inlines one here, and boxes its argument.
        low = low.add(low.rearrange(Lanes.SWAP_HALVES));
        high = high.add(high.rearrange(Lanes.SWAP_HALVES));
        FloatVector sums = low.blend(high, Lanes.UPPER_HALF);
        FloatVector.fromArray(WIDE, out, to).add(sums).intoArray(out, to);
    }

    /** Rows r and 8 + r onwards, one vector each; two columns at a time hide the latency of the sums. */
    private static void multiplyLanes(MemorySegment w, long at, int k, float[] x, int xStart, float[] out, int to) {
        FloatVector low0 = FloatVector.zero(F);
        FloatVector high0 = FloatVector.zero(F);
        FloatVector low1 = FloatVector.zero(F);
        FloatVector high1 = FloatVector.zero(F);
        int c = 0;
        for (; c < k - 1; c += 2) {
            long o = at + (long) c * COLUMN_BYTES;
            FloatVector x0 = FloatVector.broadcast(F, x[xStart + c]);
            FloatVector x1 = FloatVector.broadcast(F, x[xStart + c + 1]);
            IntVector v0 = IntVector.fromMemorySegment(I, w, o, ORDER);
            IntVector v1 = IntVector.fromMemorySegment(I, w, o + COLUMN_BYTES, ORDER);
            low0 = low(v0).fma(x0, low0);
            high0 = high(v0).fma(x0, high0);
            low1 = low(v1).fma(x1, low1);
            high1 = high(v1).fma(x1, high1);
        }
        if (c < k) {
            FloatVector x0 = FloatVector.broadcast(F, x[xStart + c]);
            IntVector v0 = IntVector.fromMemorySegment(I, w, at + (long) c * COLUMN_BYTES, ORDER);
            low0 = low(v0).fma(x0, low0);
            high0 = high(v0).fma(x0, high0);
        }
        TileF32.add(low0.add(low1), out, to);
        TileF32.add(high0.add(high1), out, to + 8);
    }

    /** As {@link #low}: code that vectors of two widths pass through has a polluted type profile, and C2 boxes. */
    static FloatVector wideLow(IntVector v) {
        return v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    static FloatVector wideHigh(IntVector v) {
        return v.and(0xffff0000).reinterpretAsFloats();
    }

    static FloatVector low(IntVector v) {
        return v.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    static FloatVector high(IntVector v) {
        return v.and(0xffff0000).reinterpretAsFloats();
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
        long from = start + tile * tileBytes(columns) + columnOffset(first);
        for (int c = 0; c < count; c++) {
            long o = from + (long) c * COLUMN_BYTES;
            for (int r = 0; r < 8; r += L) {
                IntVector v = IntVector.fromMemorySegment(I, w, o + 4 * r, ORDER);
                low(v).intoArray(out, c * outStride + column + r);
                high(v).intoArray(out, c * outStride + column + r + 8);
            }
        }
    }

    @Override
    void decodeRow(MemorySegment w, long start, int k, int r, int first, int count, float[] out, int outStart) {
        long from = start + columnOffset(first);
        for (int c = 0; c < count; c++) {
            long at = from + (long) c * COLUMN_BYTES + 2 * position(r);
            out[outStart + c] = HalfRows.bf16ToFloat(w.get(CpuTensor.SHORT, at));
        }
    }
}
