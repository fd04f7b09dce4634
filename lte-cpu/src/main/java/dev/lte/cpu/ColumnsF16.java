package dev.lte.cpu;

import static dev.lte.cpu.Lanes.ORDER;
import static dev.lte.cpu.Lanes.WIDE;
import static dev.lte.cpu.Lanes.WIDE_I;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * F16 for matrices of few columns: per group of four columns, through all tiles, sixteen rows with an int for columns 0 and 1
 * each, then with an int for columns 2 and 3, the lower column in the lower half. A pass over all rows multiplies with four
 * activations that stay in registers; sums wait in the first-level cache.
 */
final class ColumnsF16 extends TileFormat {
    static final ColumnsF16 INSTANCE = new ColumnsF16();

    private static final int GROUP = 4;
    private static final int TILE_BYTES = 2 * GROUP * ROWS;
    private static final int PAIR_BYTES = TILE_BYTES / 2;
    private static final int W = WIDE.length();
    private static final int VECTORS = ROWS / W;

    private ColumnsF16() {
        super(DType.F16, SumOrder.SEQUENTIAL);
    }

    @Override
    int columnMultiple() {
        return GROUP;
    }

    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        ColumnsBf16.packGroups(rows, k, tile);
    }

    @Override
    void store(byte[] packed, MemorySegment w, long start, int allTiles, int tile, int k) {
        ColumnsBf16.storeGroups(packed, w, start, allTiles, tile, k);
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
        for (int c = 0; c < k; c += GROUP) {
            long at = start + (long) c / GROUP * allTiles * TILE_BYTES;
            multiplyGroup(w, at, allTiles * VECTORS, x, xStart + c, out, outStart);
        }
    }

    private static void multiplyGroup(
            MemorySegment w, long at, int vectors, float[] x, int xAt, float[] out, int outStart) {
        FloatVector x0 = FloatVector.broadcast(WIDE, x[xAt]);
        FloatVector x1 = FloatVector.broadcast(WIDE, x[xAt + 1]);
        FloatVector x2 = FloatVector.broadcast(WIDE, x[xAt + 2]);
        FloatVector x3 = FloatVector.broadcast(WIDE, x[xAt + 3]);
        for (int i = 0; i < vectors; i++) {
            long o = at + (long) i / VECTORS * TILE_BYTES + i % VECTORS * 4 * W;
            IntVector v = IntVector.fromMemorySegment(WIDE_I, w, o, ORDER);
            IntVector u = IntVector.fromMemorySegment(WIDE_I, w, o + PAIR_BYTES, ORDER);
            FloatVector sum = FloatVector.fromArray(WIDE, out, outStart + i * W);
            sum = TileF16.wideLow(v).fma(x0, sum);
            sum = TileF16.wideHigh(v).fma(x1, sum);
            sum = TileF16.wideLow(u).fma(x2, sum);
            sum = TileF16.wideHigh(u).fma(x3, sum);
            sum.intoArray(out, outStart + i * W);
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
        for (int c = 0; c < count; c += GROUP) {
            long at = start + ((long) (first + c) / GROUP * allTiles + tile) * TILE_BYTES;
            for (int r = 0; r < ROWS; r += W) {
                IntVector v = IntVector.fromMemorySegment(WIDE_I, w, at + 4L * r, ORDER);
                IntVector u = IntVector.fromMemorySegment(WIDE_I, w, at + 4L * r + PAIR_BYTES, ORDER);
                int to = c * outStride + column + r;
                TileF16.wideLow(v).intoArray(out, to);
                TileF16.wideHigh(v).intoArray(out, to + outStride);
                TileF16.wideLow(u).intoArray(out, to + 2 * outStride);
                TileF16.wideHigh(u).intoArray(out, to + 3 * outStride);
            }
        }
    }
}
