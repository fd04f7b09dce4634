package dev.lte.cpu;

import static dev.lte.cpu.Lanes.WIDE;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Q4_0 for matrices of few columns: per block of 32 columns the weights as shorts {@code [8][rows]}, each with four columns of
 * its row as in {@link TileQ4}, then the F16 scales {@code [rows]}. A pass over all rows multiplies two shorts with activations that
 * stay in registers; unscaled sums wait in the first-level cache.
 */
final class ColumnsQ4 extends TileFormat {
    static final ColumnsQ4 INSTANCE = new ColumnsQ4();

    private static final int BLOCK = 32;
    private static final int GROUPS = BLOCK / 4;
    private static final int SCALE_BYTES = 2 * ROWS;
    private static final int GROUP_BYTES = 2 * ROWS;
    private static final int BLOCK_BYTES = SCALE_BYTES + GROUPS * GROUP_BYTES;

    private ColumnsQ4() {
        super(DType.Q4_0, SumOrder.BLOCKWISE);
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
    void prepare(float[] x, int xStart, int k, float[] out, int outStart) {
        TileQ4.INSTANCE.prepare(x, xStart, k, out, outStart);
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
        for (int b = 0; b < k / BLOCK; b++) {
            long block = start + (long) b * allTiles * BLOCK_BYTES;
            multiplyBlock(w, block, allTiles, vectors, x, xStart + b * BLOCK, scratch);
            long scales = block + (long) GROUPS * allTiles * GROUP_BYTES;
            ColumnsQ8.scale(w, scales, vectors, x[xStart + k + b], scratch, out, outStart);
        }
    }

    /** Unscaled sums of a block. */
    static void multiplyBlock(
            MemorySegment w, long block, int allTiles, int vectors, float[] x, int xAt, float[] sums) {
        long stride = (long) allTiles * GROUP_BYTES;
        multiplyFirst(w, block, stride, vectors, x, xAt, sums);
        for (int g = 2; g < GROUPS; g += 2) {
            multiplyNext(w, block + g * stride, stride, vectors, x, xAt + 4 * g, sums);
        }
    }

    /** Two groups, {@code stride} bytes apart, see {@link Streams}: C2 boxes the vectors of four in some processes. */
    private static void multiplyFirst(
            MemorySegment w, long at, long stride, int vectors, float[] x, int xAt, float[] sums) {
        FloatVector x0 = FloatVector.broadcast(WIDE, x[xAt]);
        FloatVector x1 = FloatVector.broadcast(WIDE, x[xAt + 1]);
        FloatVector x2 = FloatVector.broadcast(WIDE, x[xAt + 2]);
        FloatVector x3 = FloatVector.broadcast(WIDE, x[xAt + 3]);
        FloatVector x4 = FloatVector.broadcast(WIDE, x[xAt + 4]);
        FloatVector x5 = FloatVector.broadcast(WIDE, x[xAt + 5]);
        FloatVector x6 = FloatVector.broadcast(WIDE, x[xAt + 6]);
        FloatVector x7 = FloatVector.broadcast(WIDE, x[xAt + 7]);
        for (int i = 0; i < vectors; i++) {
            long o = at + (long) i * 2 * WIDE.length();
            IntVector v = load(w, o);
            IntVector u = load(w, o + stride);
            FloatVector sum = TileQ8.masked(v, 0xf).mul(x0);
            sum = TileQ8.masked(v, 0xf0).fma(x1, sum);
            sum = TileQ8.masked(v, 0xf00).fma(x2, sum);
            sum = TileQ8.masked(v, 0xfffff000).fma(x3, sum);
            sum = TileQ8.masked(u, 0xf).fma(x4, sum);
            sum = TileQ8.masked(u, 0xf0).fma(x5, sum);
            sum = TileQ8.masked(u, 0xf00).fma(x6, sum);
            sum = TileQ8.masked(u, 0xfffff000).fma(x7, sum);
            sum.intoArray(sums, i * WIDE.length());
        }
    }

    /** As {@link #multiplyFirst}, added to the sums. */
    private static void multiplyNext(
            MemorySegment w, long at, long stride, int vectors, float[] x, int xAt, float[] sums) {
        FloatVector x0 = FloatVector.broadcast(WIDE, x[xAt]);
        FloatVector x1 = FloatVector.broadcast(WIDE, x[xAt + 1]);
        FloatVector x2 = FloatVector.broadcast(WIDE, x[xAt + 2]);
        FloatVector x3 = FloatVector.broadcast(WIDE, x[xAt + 3]);
        FloatVector x4 = FloatVector.broadcast(WIDE, x[xAt + 4]);
        FloatVector x5 = FloatVector.broadcast(WIDE, x[xAt + 5]);
        FloatVector x6 = FloatVector.broadcast(WIDE, x[xAt + 6]);
        FloatVector x7 = FloatVector.broadcast(WIDE, x[xAt + 7]);
        for (int i = 0; i < vectors; i++) {
            long o = at + (long) i * 2 * WIDE.length();
            IntVector v = load(w, o);
            IntVector u = load(w, o + stride);
            FloatVector sum = FloatVector.fromArray(WIDE, sums, i * WIDE.length());
            sum = TileQ8.masked(v, 0xf).fma(x0, sum);
            sum = TileQ8.masked(v, 0xf0).fma(x1, sum);
            sum = TileQ8.masked(v, 0xf00).fma(x2, sum);
            sum = TileQ8.masked(v, 0xfffff000).fma(x3, sum);
            sum = TileQ8.masked(u, 0xf).fma(x4, sum);
            sum = TileQ8.masked(u, 0xf0).fma(x5, sum);
            sum = TileQ8.masked(u, 0xf00).fma(x6, sum);
            sum = TileQ8.masked(u, 0xfffff000).fma(x7, sum);
            sum.intoArray(sums, i * WIDE.length());
        }
    }

    private static IntVector load(MemorySegment w, long at) {
        return TileQ4.shorts(w, at);
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
        for (int b = first / BLOCK; b < (first + count) / BLOCK; b++) {
            long block = start + (long) b * allTiles * BLOCK_BYTES;
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                long at = block + (long) tile * GROUP_BYTES + 2 * r;
                int to = (b * BLOCK - first) * outStride + column + r;
                decodeBlock(w, at, (long) allTiles * GROUP_BYTES, out, outStride, to);
            }
        }
    }

    @Override
    boolean decodesPlainly() {
        return true;
    }

    @Override
    void decodePlainly(
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
        short[] groups = new short[ROWS];
        for (int g = first / 4; g < (first + count) / 4; g++) {
            long block = start + (long) (g / GROUPS) * allTiles * BLOCK_BYTES;
            long at = block + ((long) (g % GROUPS) * allTiles + tile) * GROUP_BYTES;
            MemorySegment.copy(w, CpuTensor.SHORT, at, groups, 0, ROWS);
            TileQ4.decodeGroup(groups, 0, out, outStride, (4 * g - first) * outStride + column);
        }
    }

    static void decodeBlock(MemorySegment w, long at, long groupStride, float[] out, int outStride, int to) {
        for (int g = 0; g < GROUPS; g++) {
            TileQ4.decodeGroup(load(w, at + g * groupStride), out, outStride, to + 4 * g * outStride);
        }
    }

    @Override
    void decodeScales(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        long at = start + (long) GROUPS * allTiles * GROUP_BYTES + (long) tile * SCALE_BYTES;
        TileQ8.decodeScales(w, at, (long) allTiles * BLOCK_BYTES, columns / BLOCK, out, outStride, column);
    }

    @Override
    void decodeScalesPlainly(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        long at = start + (long) GROUPS * allTiles * GROUP_BYTES + (long) tile * SCALE_BYTES;
        TileQ8.decodeScalesPlainly(w, at, (long) allTiles * BLOCK_BYTES, columns / BLOCK, out, outStride, column);
    }
}
