package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.L;
import static dev.lte.cpu.Lanes.ORDER;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;

/** F32 tiles: {@code [k][16]}, rows in order. */
final class TileF32 extends TileFormat {
    static final TileF32 INSTANCE = new TileF32();

    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ORDER);
    private static final int COLUMN_BYTES = 4 * ROWS;

    private TileF32() {
        super(DType.F32, SumOrder.ALTERNATING);
    }

    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        for (int r = 0; r < ROWS; r++) {
            for (int c = 0; c < k; c++) {
                int from = (r * k + c) * 4;
                int to = (c * ROWS + r) * 4;
                tile[to] = rows[from];
                tile[to + 1] = rows[from + 1];
                tile[to + 2] = rows[from + 2];
                tile[to + 3] = rows[from + 3];
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
            for (int r = 0; r < 8; r += L) {
                multiplyLanes(w, at + 4 * r, k, x, xStart, out, outStart + i * ROWS + r);
            }
        }
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
            low0 = FloatVector.fromMemorySegment(F, w, o, ORDER).fma(x0, low0);
            high0 = FloatVector.fromMemorySegment(F, w, o + 32, ORDER).fma(x0, high0);
            low1 = FloatVector.fromMemorySegment(F, w, o + 64, ORDER).fma(x1, low1);
            high1 = FloatVector.fromMemorySegment(F, w, o + 96, ORDER).fma(x1, high1);
        }
        if (c < k) {
            long o = at + (long) c * COLUMN_BYTES;
            FloatVector x0 = FloatVector.broadcast(F, x[xStart + c]);
            low0 = FloatVector.fromMemorySegment(F, w, o, ORDER).fma(x0, low0);
            high0 = FloatVector.fromMemorySegment(F, w, o + 32, ORDER).fma(x0, high0);
        }
        add(low0.add(low1), out, to);
        add(high0.add(high1), out, to + 8);
    }

    /** {@code out[to...] += v}. */
    static void add(FloatVector v, float[] out, int to) {
        v.add(FloatVector.fromArray(F, out, to)).intoArray(out, to);
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
            for (int r = 0; r < ROWS; r += L) {
                FloatVector.fromMemorySegment(F, w, o + 4 * r, ORDER).intoArray(out, c * outStride + column + r);
            }
        }
    }

    @Override
    void decodeRow(MemorySegment w, long start, int k, int r, int first, int count, float[] out, int outStart) {
        long from = start + columnOffset(first);
        for (int c = 0; c < count; c++) {
            out[outStart + c] = w.get(FLOAT, from + (long) c * COLUMN_BYTES + 4 * r);
        }
    }
}
