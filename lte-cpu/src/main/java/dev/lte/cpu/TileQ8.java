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
import jdk.incubator.vector.VectorOperators;

/**
 * Q8_0 tiles: first the F16 scales {@code [k/32][16]}, then the weights as ints {@code [k/4][16]}, each with columns 4g to
 * 4g + 3 of its row, the first in the lowest byte. 34 bytes for 32 weights, as in a file.
 *
 * <p>A byte is masked in place and converted, which costs one instruction less than shifting it down with its sign: activation
 * j of four is divided by 256^j instead. The three lower bytes, which have no sign of their own, are stored with 128 added, and
 * {@code 128 * scale * (sum of their activations)} is taken off once a block.
 */
final class TileQ8 extends TileFormat {
    static final TileQ8 INSTANCE = new TileQ8();

    private static final ValueLayout.OfInt INTS = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ORDER);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ORDER);
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ORDER);

    /** Of two groups. */
    static final long SIGNS = 0x0080808000808080L;

    private static final int BLOCK = 32;
    private static final int FILE_BLOCK_BYTES = 34;
    private static final int SCALE_BYTES = 2 * ROWS;
    private static final int GROUP_BYTES = 4 * ROWS;
    private static final int BLOCK_BYTES = BLOCK / 4 * GROUP_BYTES;

    private TileQ8() {
        super(DType.Q8_0, SumOrder.GROUPED);
    }

    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        int blocks = k / BLOCK;
        int rowBytes = blocks * FILE_BLOCK_BYTES;
        for (int b = 0; b < blocks; b++) {
            packBlock(
                    rows,
                    b * FILE_BLOCK_BYTES,
                    rowBytes,
                    tile,
                    b * SCALE_BYTES,
                    blocks * SCALE_BYTES + b * BLOCK_BYTES);
        }
    }

    private static void packBlock(byte[] rows, int from, int rowBytes, byte[] tile, int scales, int weights) {
        for (int r = 0; r < ROWS; r++) {
            int at = from + r * rowBytes;
            int to = weights + 4 * r;
            SHORT.set(tile, scales + 2 * r, (short) SHORT.get(rows, at));
            for (int g = 0; g < BLOCK / 4; g += 2) {
                long two = (long) LONG.get(rows, at + 2 + 4 * g) ^ SIGNS; // adds 128 to all but the last of each four
                INT.set(tile, to + g * GROUP_BYTES, (int) two);
                INT.set(tile, to + (g + 1) * GROUP_BYTES, (int) (two >>> 32));
            }
        }
    }

    /** Activations divided by powers of 256, then what each block is too large by. */
    @Override
    int prepared(int k) {
        return k + k / BLOCK;
    }

    @Override
    void prepare(float[] x, int xStart, int k, float[] out, int outStart) {
        for (int b = 0; b < k / BLOCK; b++) {
            float excess = 0;
            for (int c = b * BLOCK; c < (b + 1) * BLOCK; c += 4) {
                float x0 = x[xStart + c];
                float x1 = x[xStart + c + 1];
                float x2 = x[xStart + c + 2];
                excess += x0 + x1 + x2;
                out[outStart + c] = x0;
                out[outStart + c + 1] = x1 * 0x1p-8f;
                out[outStart + c + 2] = x2 * 0x1p-16f;
                out[outStart + c + 3] = x[xStart + c + 3] * 0x1p-24f;
            }
            out[outStart + k + b] = -128 * excess;
        }
    }

    @Override
    int scratch(int tiles, int k) {
        return Math.min(tiles, Streams.COUNT) * (k / BLOCK) * ROWS;
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
        long bytes = tileBytes(columns);
        int apart = Streams.apart(bytes);
        int i = 0;
        while (i <= tiles - Streams.COUNT) {
            if (i > tiles - Streams.COUNT * apart) {
                apart = 1;
            }
            for (int j = 0; j < apart; j++) {
                long at = start + (tile + i + j) * bytes;
                multiplyFour(w, at, apart * bytes, k, x, xStart, out, outStart + (i + j) * ROWS, apart * ROWS, scratch);
            }
            i += Streams.COUNT * apart;
        }
        for (; i < tiles; i++) {
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                long at = start + (tile + i) * tileBytes(columns);
                int to = outStart + i * ROWS + r;
                scales(w, at + 2 * r, k / BLOCK, x, xStart + k, scratch, out, to);
                multiplyLanes(w, at + k / BLOCK * SCALE_BYTES + 4 * r, k / 4, x, xStart, scratch, out, to);
            }
        }
    }

    /** Tiles {@code apart} bytes and {@code outStride} rows from each other. */
    private static void multiplyFour(
            MemorySegment w,
            long at,
            long apart,
            int k,
            float[] x,
            int xStart,
            float[] out,
            int to,
            int outStride,
            float[] scratch) {
        int blocks = k / BLOCK;
        int scaleStride = blocks * ROWS;
        for (int r = 0; r < ROWS; r += WIDE.length()) {
            scalesOfFour(w, at + 2 * r, apart, blocks, x, xStart + k, scratch, scaleStride, out, to + r, outStride);
            long weights = at + blocks * SCALE_BYTES + 4 * r;
            multiplyFour(w, weights, apart, k / 4, x, xStart, scratch, scaleStride);
            for (int t = 0; t < Streams.COUNT; t++) {
                VectorMath.add(out, to + t * outStride + r, scratch, t * WIDE.length(), WIDE.length());
            }
        }
    }

    /**
     * As {@link #multiplyLanes} for four tiles, {@code apart} bytes, and {@code scaleStride} scales from each other; the sums
     * take the place of the scales. Written out, as C2 would not inline a method for one of them, and box its vectors.
     */
    private static void multiplyFour(
            MemorySegment w, long at, long apart, int groups, float[] x, int xStart, float[] scales, int scaleStride) {
        FloatVector a = FloatVector.zero(WIDE);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        for (int g = 0; g < groups; g++) {
            long o = at + (long) g * GROUP_BYTES;
            int i = xStart + 4 * g;
            int s = (g >> 3) * WIDE.length();
            FloatVector x0 = FloatVector.broadcast(WIDE, x[i]);
            FloatVector x1 = FloatVector.broadcast(WIDE, x[i + 1]);
            FloatVector x2 = FloatVector.broadcast(WIDE, x[i + 2]);
            FloatVector x3 = FloatVector.broadcast(WIDE, x[i + 3]);
            IntVector va = IntVector.fromMemorySegment(WIDE_I, w, o, ORDER);
            FloatVector pa = ((FloatVector) va.and(0xff).convert(VectorOperators.I2F, 0)).mul(x0);
            pa = ((FloatVector) va.and(0xff00).convert(VectorOperators.I2F, 0)).fma(x1, pa);
            pa = ((FloatVector) va.and(0xff0000).convert(VectorOperators.I2F, 0)).fma(x2, pa);
            pa = ((FloatVector) va.and(0xff000000).convert(VectorOperators.I2F, 0)).fma(x3, pa);
            a = pa.fma(FloatVector.fromArray(WIDE, scales, s), a);
            IntVector vb = IntVector.fromMemorySegment(WIDE_I, w, o + apart, ORDER);
            FloatVector pb = ((FloatVector) vb.and(0xff).convert(VectorOperators.I2F, 0)).mul(x0);
            pb = ((FloatVector) vb.and(0xff00).convert(VectorOperators.I2F, 0)).fma(x1, pb);
            pb = ((FloatVector) vb.and(0xff0000).convert(VectorOperators.I2F, 0)).fma(x2, pb);
            pb = ((FloatVector) vb.and(0xff000000).convert(VectorOperators.I2F, 0)).fma(x3, pb);
            b = pb.fma(FloatVector.fromArray(WIDE, scales, s + scaleStride), b);
            IntVector vc = IntVector.fromMemorySegment(WIDE_I, w, o + 2 * apart, ORDER);
            FloatVector pc = ((FloatVector) vc.and(0xff).convert(VectorOperators.I2F, 0)).mul(x0);
            pc = ((FloatVector) vc.and(0xff00).convert(VectorOperators.I2F, 0)).fma(x1, pc);
            pc = ((FloatVector) vc.and(0xff0000).convert(VectorOperators.I2F, 0)).fma(x2, pc);
            pc = ((FloatVector) vc.and(0xff000000).convert(VectorOperators.I2F, 0)).fma(x3, pc);
            c = pc.fma(FloatVector.fromArray(WIDE, scales, s + 2 * scaleStride), c);
            IntVector vd = IntVector.fromMemorySegment(WIDE_I, w, o + 3 * apart, ORDER);
            FloatVector pd = ((FloatVector) vd.and(0xff).convert(VectorOperators.I2F, 0)).mul(x0);
            pd = ((FloatVector) vd.and(0xff00).convert(VectorOperators.I2F, 0)).fma(x1, pd);
            pd = ((FloatVector) vd.and(0xff0000).convert(VectorOperators.I2F, 0)).fma(x2, pd);
            pd = ((FloatVector) vd.and(0xff000000).convert(VectorOperators.I2F, 0)).fma(x3, pd);
            d = pd.fma(FloatVector.fromArray(WIDE, scales, s + 3 * scaleStride), d);
        }
        a.intoArray(scales, 0);
        b.intoArray(scales, WIDE.length());
        c.intoArray(scales, 2 * WIDE.length());
        d.intoArray(scales, 3 * WIDE.length());
    }

    /** Decodes the scales of some rows, and adds {@code sum over b of scale[b] * excess[b]} to out. */
    static void scales(
            MemorySegment w,
            long at,
            int blocks,
            float[] excess,
            int excessStart,
            float[] scales,
            float[] out,
            int to) {
        FloatVector sum = FloatVector.zero(WIDE);
        for (int b = 0; b < blocks; b++) {
            FloatVector scale = Lanes.wideHalves(w, at + (long) b * SCALE_BYTES);
            scale.intoArray(scales, b * WIDE.length());
            sum = scale.fma(FloatVector.broadcast(WIDE, excess[excessStart + b]), sum);
        }
        FloatVector.fromArray(WIDE, out, to).add(sum).intoArray(out, to);
    }

    /** As {@link #scales} for four tiles at a time, see {@link Streams}. */
    static void scalesOfFour(
            MemorySegment w,
            long at,
            long apart,
            int blocks,
            float[] excess,
            int excessStart,
            float[] scales,
            int scaleStride,
            float[] out,
            int to,
            int outStride) {
        FloatVector a = FloatVector.zero(WIDE);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        for (int i = 0; i < blocks; i++) {
            long o = at + (long) i * SCALE_BYTES;
            int s = i * WIDE.length();
            FloatVector e = FloatVector.broadcast(WIDE, excess[excessStart + i]);
            FloatVector scaleA = Lanes.wideHalves(w, o);
            scaleA.intoArray(scales, s);
            a = scaleA.fma(e, a);
            FloatVector scaleB = Lanes.wideHalves(w, o + apart);
            scaleB.intoArray(scales, s + scaleStride);
            b = scaleB.fma(e, b);
            FloatVector scaleC = Lanes.wideHalves(w, o + 2 * apart);
            scaleC.intoArray(scales, s + 2 * scaleStride);
            c = scaleC.fma(e, c);
            FloatVector scaleD = Lanes.wideHalves(w, o + 3 * apart);
            scaleD.intoArray(scales, s + 3 * scaleStride);
            d = scaleD.fma(e, d);
        }
        FloatVector.fromArray(WIDE, out, to).add(a).intoArray(out, to);
        FloatVector.fromArray(WIDE, out, to + outStride).add(b).intoArray(out, to + outStride);
        FloatVector.fromArray(WIDE, out, to + 2 * outStride).add(c).intoArray(out, to + 2 * outStride);
        FloatVector.fromArray(WIDE, out, to + 3 * outStride).add(d).intoArray(out, to + 3 * outStride);
    }

    /** The sums of one vector of rows; groups of four columns are added up before their scale is applied. */
    private static void multiplyLanes(
            MemorySegment w, long at, int groups, float[] x, int xStart, float[] scales, float[] out, int to) {
        FloatVector sum = FloatVector.zero(WIDE);
        for (int g = 0; g < groups; g++) {
            IntVector v = IntVector.fromMemorySegment(WIDE_I, w, at + (long) g * GROUP_BYTES, ORDER);
            int i = xStart + 4 * g;
            FloatVector part = masked(v, 0xff).mul(x[i]);
            part = masked(v, 0xff00).fma(FloatVector.broadcast(WIDE, x[i + 1]), part);
            part = masked(v, 0xff0000).fma(FloatVector.broadcast(WIDE, x[i + 2]), part);
            part = masked(v, 0xff000000).fma(FloatVector.broadcast(WIDE, x[i + 3]), part);
            sum = part.fma(FloatVector.fromArray(WIDE, scales, (g >> 3) * WIDE.length()), sum);
        }
        FloatVector.fromArray(WIDE, out, to).add(sum).intoArray(out, to);
    }

    static FloatVector masked(IntVector v, int mask) {
        return (FloatVector) v.and(mask).convert(VectorOperators.I2F, 0);
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
        long weights =
                start + tile * tileBytes(columns) + columns / BLOCK * SCALE_BYTES + (long) first / 4 * GROUP_BYTES;
        for (int r = 0; r < ROWS; r += WIDE.length()) {
            decodeLanes(w, weights + 4 * r, count / 4, out, outStride, column + r);
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
        long weights =
                start + tile * tileBytes(columns) + columns / BLOCK * SCALE_BYTES + (long) first / 4 * GROUP_BYTES;
        int[] groups = w.asSlice(weights, (long) count / 4 * GROUP_BYTES).toArray(INTS);
        for (int g = 0; g < count / 4; g++) {
            decodeGroup(groups, g * ROWS, out, outStride, column + 4 * g * outStride);
        }
    }

    private static void decodeGroup(int[] groups, int from, float[] out, int outStride, int to) {
        for (int r = 0; r < ROWS; r++) {
            int v = groups[from + r];
            out[to + r] = v & 0xff;
            out[to + outStride + r] = v & 0xff00;
            out[to + 2 * outStride + r] = v & 0xff0000;
            out[to + 3 * outStride + r] = v & 0xff000000;
        }
    }

    static void decodeLanes(MemorySegment w, long at, int groups, float[] out, int outStride, int to) {
        for (int g = 0; g < groups; g++) {
            IntVector v = IntVector.fromMemorySegment(WIDE_I, w, at + (long) g * GROUP_BYTES, ORDER);
            decodeGroup(v, out, outStride, to + 4 * g * outStride);
        }
    }

    /** Four columns of one vector of rows, as {@link #multiply} takes them. */
    static void decodeGroup(IntVector v, float[] out, int outStride, int to) {
        masked(v, 0xff).intoArray(out, to);
        masked(v, 0xff00).intoArray(out, to + outStride);
        masked(v, 0xff0000).intoArray(out, to + 2 * outStride);
        masked(v, 0xff000000).intoArray(out, to + 3 * outStride);
    }

    @Override
    void decodeScales(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        long at = start + tile * tileBytes(columns);
        decodeScales(w, at, SCALE_BYTES, columns / BLOCK, out, outStride, column);
    }

    @Override
    void decodeScalesPlainly(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        long at = start + tile * tileBytes(columns);
        decodeScalesPlainly(w, at, SCALE_BYTES, columns / BLOCK, out, outStride, column);
    }

    /** As {@link #decodeScales}, for code that is not compiled yet. */
    static void decodeScalesPlainly(
            MemorySegment w, long at, long blockStride, int blocks, float[] out, int outStride, int column) {
        short[] scales = new short[ROWS];
        for (int b = 0; b < blocks; b++) {
            MemorySegment.copy(w, CpuTensor.SHORT, at + b * blockStride, scales, 0, ROWS);
            for (int r = 0; r < ROWS; r++) {
                out[b * outStride + column + r] = Float.float16ToFloat(scales[r]);
            }
        }
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
            byte weight = w.get(ValueLayout.JAVA_BYTE, at);
            out[outStart + c - first] = scale * (byte) (c % 4 == 3 ? weight : weight - 128);
        }
    }
}
