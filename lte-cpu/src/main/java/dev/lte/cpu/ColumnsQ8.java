package dev.lte.cpu;

import static dev.lte.cpu.Lanes.ORDER;
import static dev.lte.cpu.Lanes.WIDE;
import static dev.lte.cpu.Lanes.WIDE_I;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Q8_0 for matrices of few columns: per block of 32 columns the weights as ints {@code [8][rows]}, each with four columns of
 * its row as in {@link TileQ8}, then the F16 scales {@code [rows]}. A pass over all rows multiplies with four activations that
 * stay in registers; unscaled sums wait in the first-level cache.
 */
final class ColumnsQ8 extends TileFormat {
    static final ColumnsQ8 INSTANCE = new ColumnsQ8();

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ORDER);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ORDER);
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ORDER);

    private static final int BLOCK = 32;
    private static final int GROUPS = BLOCK / 4;
    private static final int SCALE_BYTES = 2 * ROWS;
    private static final int GROUP_BYTES = 4 * ROWS;
    private static final int BLOCK_BYTES = SCALE_BYTES + GROUPS * GROUP_BYTES;

    private ColumnsQ8() {
        super(DType.Q8_0, SumOrder.BLOCKWISE);
    }

    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        TileQ8.INSTANCE.pack(rows, k, tile);
    }

    /** Takes a {@link TileQ8} tile apart. */
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

    /** Whole blocks, so that every row of a block is one run of bytes in the file. */
    @Override
    boolean packColumns(WeightData data, int first, int count, int k, byte[] out) {
        int rows = data.rows();
        if (data.dtype() != DType.Q8_0 || first % BLOCK != 0 || count != k || rows % ROWS != 0) {
            return false;
        }
        MemorySegment bytes = data.bytes();
        int groupStride = rows / ROWS * GROUP_BYTES;
        for (int b = 0; b < k / BLOCK; b++) {
            long from = DType.Q8_0.byteSize(first + b * BLOCK);
            int to = b * (rows / ROWS) * BLOCK_BYTES;
            packBlock(bytes, from, data.rowBytes(), rows, groupStride, out, to);
        }
        return true;
    }

    private static void packBlock(
            MemorySegment bytes, long from, long rowBytes, int rows, int groupStride, byte[] out, int to) {
        int scales = to + GROUPS * groupStride;
        for (int r = 0; r < rows; r++) {
            long at = from + r * rowBytes;
            SHORT.set(out, scales + 2 * r, bytes.get(CpuTensor.SHORT, at));
            for (int g = 0; g < GROUPS; g += 2) {
                long two = bytes.get(LONG, at + 2 + 4 * g) ^ TileQ8.SIGNS;
                INT.set(out, to + g * groupStride + 4 * r, (int) two);
                INT.set(out, to + (g + 1) * groupStride + 4 * r, (int) (two >>> 32));
            }
        }
    }

    @Override
    int prepared(int k) {
        return TileQ8.INSTANCE.prepared(k);
    }

    @Override
    void prepare(float[] x, int xStart, int k, float[] out, int outStart) {
        TileQ8.INSTANCE.prepare(x, xStart, k, out, outStart);
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
            multiplyBlock(w, block, GROUPS, allTiles, vectors, x, xStart + b * BLOCK, scratch);
            long scales = block + (long) GROUPS * allTiles * GROUP_BYTES;
            scale(w, scales, vectors, x[xStart + k + b], scratch, out, outStart);
        }
    }

    /** Unscaled sums of {@code groups} times four columns. */
    static void multiplyBlock(
            MemorySegment w, long block, int groups, int allTiles, int vectors, float[] x, int xAt, float[] sums) {
        long stride = (long) allTiles * GROUP_BYTES;
        multiplyFirst(w, block, stride, vectors, x, xAt, sums);
        for (int g = 2; g < groups; g += 2) {
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
            long o = at + (long) i * 4 * WIDE.length();
            IntVector v = load(w, o);
            IntVector u = load(w, o + stride);
            FloatVector sum = TileQ8.masked(v, 0xff).mul(x0);
            sum = TileQ8.masked(v, 0xff00).fma(x1, sum);
            sum = TileQ8.masked(v, 0xff0000).fma(x2, sum);
            sum = TileQ8.masked(v, 0xff000000).fma(x3, sum);
            sum = TileQ8.masked(u, 0xff).fma(x4, sum);
            sum = TileQ8.masked(u, 0xff00).fma(x5, sum);
            sum = TileQ8.masked(u, 0xff0000).fma(x6, sum);
            sum = TileQ8.masked(u, 0xff000000).fma(x7, sum);
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
            long o = at + (long) i * 4 * WIDE.length();
            IntVector v = load(w, o);
            IntVector u = load(w, o + stride);
            FloatVector sum = FloatVector.fromArray(WIDE, sums, i * WIDE.length());
            sum = TileQ8.masked(v, 0xff).fma(x0, sum);
            sum = TileQ8.masked(v, 0xff00).fma(x1, sum);
            sum = TileQ8.masked(v, 0xff0000).fma(x2, sum);
            sum = TileQ8.masked(v, 0xff000000).fma(x3, sum);
            sum = TileQ8.masked(u, 0xff).fma(x4, sum);
            sum = TileQ8.masked(u, 0xff00).fma(x5, sum);
            sum = TileQ8.masked(u, 0xff0000).fma(x6, sum);
            sum = TileQ8.masked(u, 0xff000000).fma(x7, sum);
            sum.intoArray(sums, i * WIDE.length());
        }
    }

    static IntVector load(MemorySegment w, long at) {
        return IntVector.fromMemorySegment(WIDE_I, w, at, ORDER);
    }

    /** {@code out += scale * (sums + excess)}. */
    static void scale(MemorySegment w, long at, int vectors, float excess, float[] sums, float[] out, int outStart) {
        for (int i = 0; i < vectors; i++) {
            int to = outStart + i * WIDE.length();
            FloatVector sum =
                    FloatVector.fromArray(WIDE, sums, i * WIDE.length()).add(excess);
            Lanes.wideHalves(w, at + 2L * i * WIDE.length())
                    .fma(sum, FloatVector.fromArray(WIDE, out, to))
                    .intoArray(out, to);
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
            TileQ8.decodeGroup(load(w, at + g * groupStride), out, outStride, to + 4 * g * outStride);
        }
    }

    @Override
    void decodeScales(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        long at = start + (long) GROUPS * allTiles * GROUP_BYTES + (long) tile * SCALE_BYTES;
        TileQ8.decodeScales(w, at, (long) allTiles * BLOCK_BYTES, columns / BLOCK, out, outStride, column);
    }
}
