package dev.lte.cpu;

import static dev.lte.cpu.Lanes.ORDER;
import static dev.lte.cpu.Lanes.WIDE;
import static dev.lte.cpu.Lanes.WIDE_I;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q4_0 tiles: first the F16 scales {@code [k/32][16]}, then the weights as shorts {@code [k/4][16]}, each with columns 4g to
 * 4g + 3 of its row, the first in the lowest four bits. 18 bytes for 32 weights, as in a file. A weight is
 * {@code scale * (nibble - 8)}.
 *
 * <p>Nibbles are masked in place, as the bytes of {@link TileQ8}: activation j of four is divided by 16^j. The highest nibble
 * is stored signed, with the 8 taken off; the others' 8 is taken off once a block.
 */
final class TileQ4 extends TileFormat {
    static final TileQ4 INSTANCE = new TileQ4();

    private static final int BLOCK = 32;
    private static final int FILE_BLOCK_BYTES = 18;
    private static final int SCALE_BYTES = 2 * ROWS;
    private static final int GROUP_BYTES = 2 * ROWS;
    private static final int BLOCK_BYTES = BLOCK / 4 * GROUP_BYTES;

    private TileQ4() {
        super(DType.Q4_0, SumOrder.GROUPED);
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
                int to = blocks * SCALE_BYTES + b * BLOCK_BYTES + 2 * r;
                for (int c = 0; c < BLOCK; c += 2) {
                    int low = nibble(rows, from + 2, c);
                    int high = nibble(rows, from + 2, c + 1);
                    tile[to + c / 4 * GROUP_BYTES + c % 4 / 2] = (byte) (low | (c % 4 == 2 ? high ^ 8 : high) << 4);
                }
            }
        }
    }

    /** Column c of a block in the file: the first 16 columns are the low nibbles, the last 16 the high ones. */
    private static int nibble(byte[] rows, int at, int c) {
        return c < 16 ? rows[at + c] & 15 : rows[at + c - 16] >> 4 & 15;
    }

    /** Activations divided by powers of 16, then what each block is too large by. */
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
                out[outStart + c + 1] = x1 * 0x1p-4f;
                out[outStart + c + 2] = x2 * 0x1p-8f;
                out[outStart + c + 3] = x[xStart + c + 3] * 0x1p-12f;
            }
            out[outStart + k + b] = -8 * excess;
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
                TileQ8.scales(w, at + 2 * r, k / BLOCK, x, xStart + k, scratch, out, to);
                multiplyLanes(w, at + k / BLOCK * SCALE_BYTES + 2 * r, k / 4, x, xStart, scratch, out, to);
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
            TileQ8.scalesOfFour(
                    w, at + 2 * r, apart, blocks, x, xStart + k, scratch, scaleStride, out, to + r, outStride);
            long weights = at + blocks * SCALE_BYTES + 2 * r;
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
            IntVector va = (IntVector) ShortVector.fromMemorySegment(Lanes.WIDE_HALVES, w, o, ORDER)
                    .convertShape(VectorOperators.S2I, WIDE_I, 0);
            FloatVector pa = ((FloatVector) va.and(0xf).convert(VectorOperators.I2F, 0)).mul(x0);
            pa = ((FloatVector) va.and(0xf0).convert(VectorOperators.I2F, 0)).fma(x1, pa);
            pa = ((FloatVector) va.and(0xf00).convert(VectorOperators.I2F, 0)).fma(x2, pa);
            pa = ((FloatVector) va.and(0xfffff000).convert(VectorOperators.I2F, 0)).fma(x3, pa);
            a = pa.fma(FloatVector.fromArray(WIDE, scales, s), a);
            IntVector vb = (IntVector) ShortVector.fromMemorySegment(Lanes.WIDE_HALVES, w, o + apart, ORDER)
                    .convertShape(VectorOperators.S2I, WIDE_I, 0);
            FloatVector pb = ((FloatVector) vb.and(0xf).convert(VectorOperators.I2F, 0)).mul(x0);
            pb = ((FloatVector) vb.and(0xf0).convert(VectorOperators.I2F, 0)).fma(x1, pb);
            pb = ((FloatVector) vb.and(0xf00).convert(VectorOperators.I2F, 0)).fma(x2, pb);
            pb = ((FloatVector) vb.and(0xfffff000).convert(VectorOperators.I2F, 0)).fma(x3, pb);
            b = pb.fma(FloatVector.fromArray(WIDE, scales, s + scaleStride), b);
            IntVector vc = (IntVector) ShortVector.fromMemorySegment(Lanes.WIDE_HALVES, w, o + 2 * apart, ORDER)
                    .convertShape(VectorOperators.S2I, WIDE_I, 0);
            FloatVector pc = ((FloatVector) vc.and(0xf).convert(VectorOperators.I2F, 0)).mul(x0);
            pc = ((FloatVector) vc.and(0xf0).convert(VectorOperators.I2F, 0)).fma(x1, pc);
            pc = ((FloatVector) vc.and(0xf00).convert(VectorOperators.I2F, 0)).fma(x2, pc);
            pc = ((FloatVector) vc.and(0xfffff000).convert(VectorOperators.I2F, 0)).fma(x3, pc);
            c = pc.fma(FloatVector.fromArray(WIDE, scales, s + 2 * scaleStride), c);
            IntVector vd = (IntVector) ShortVector.fromMemorySegment(Lanes.WIDE_HALVES, w, o + 3 * apart, ORDER)
                    .convertShape(VectorOperators.S2I, WIDE_I, 0);
            FloatVector pd = ((FloatVector) vd.and(0xf).convert(VectorOperators.I2F, 0)).mul(x0);
            pd = ((FloatVector) vd.and(0xf0).convert(VectorOperators.I2F, 0)).fma(x1, pd);
            pd = ((FloatVector) vd.and(0xf00).convert(VectorOperators.I2F, 0)).fma(x2, pd);
            pd = ((FloatVector) vd.and(0xfffff000).convert(VectorOperators.I2F, 0)).fma(x3, pd);
            d = pd.fma(FloatVector.fromArray(WIDE, scales, s + 3 * scaleStride), d);
        }
        a.intoArray(scales, 0);
        b.intoArray(scales, WIDE.length());
        c.intoArray(scales, 2 * WIDE.length());
        d.intoArray(scales, 3 * WIDE.length());
    }

    /** The sums of one vector of rows; groups of four columns are added up before their scale is applied. */
    static void multiplyLanes(
            MemorySegment w, long at, int groups, float[] x, int xStart, float[] scales, float[] out, int to) {
        FloatVector sum = FloatVector.zero(WIDE);
        for (int g = 0; g < groups; g++) {
            IntVector v = shorts(w, at + (long) g * GROUP_BYTES);
            int i = xStart + 4 * g;
            FloatVector part = TileQ8.masked(v, 0xf).mul(x[i]);
            part = TileQ8.masked(v, 0xf0).fma(FloatVector.broadcast(WIDE, x[i + 1]), part);
            part = TileQ8.masked(v, 0xf00).fma(FloatVector.broadcast(WIDE, x[i + 2]), part);
            part = TileQ8.masked(v, 0xfffff000).fma(FloatVector.broadcast(WIDE, x[i + 3]), part);
            sum = part.fma(FloatVector.fromArray(WIDE, scales, (g >> 3) * WIDE.length()), sum);
        }
        FloatVector.fromArray(WIDE, out, to).add(sum).intoArray(out, to);
    }

    /** Sign-extended shorts, one to a lane. */
    static IntVector shorts(MemorySegment w, long at) {
        return (IntVector) ShortVector.fromMemorySegment(Lanes.WIDE_HALVES, w, at, ORDER)
                .convertShape(VectorOperators.S2I, WIDE_I, 0);
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
            decodeLanes(w, weights + 2 * r, count / 4, out, outStride, column + r);
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
        short[] groups = w.asSlice(weights, (long) count / 4 * GROUP_BYTES).toArray(CpuTensor.SHORT);
        for (int g = 0; g < count / 4; g++) {
            decodeGroup(groups, g * ROWS, out, outStride, column + 4 * g * outStride);
        }
    }

    static void decodeGroup(short[] groups, int from, float[] out, int outStride, int to) {
        for (int r = 0; r < ROWS; r++) {
            int v = groups[from + r];
            out[to + r] = v & 0xf;
            out[to + outStride + r] = v & 0xf0;
            out[to + 2 * outStride + r] = v & 0xf00;
            out[to + 3 * outStride + r] = v & 0xfffff000;
        }
    }

    static void decodeLanes(MemorySegment w, long at, int groups, float[] out, int outStride, int to) {
        for (int g = 0; g < groups; g++) {
            IntVector v = shorts(w, at + (long) g * GROUP_BYTES);
            decodeGroup(v, out, outStride, to + 4 * g * outStride);
        }
    }

    /** Four columns of one vector of rows, as {@link #multiply} takes them. */
    static void decodeGroup(IntVector v, float[] out, int outStride, int to) {
        TileQ8.masked(v, 0xf).intoArray(out, to);
        TileQ8.masked(v, 0xf0).intoArray(out, to + outStride);
        TileQ8.masked(v, 0xf00).intoArray(out, to + 2 * outStride);
        TileQ8.masked(v, 0xfffff000).intoArray(out, to + 3 * outStride);
    }

    @Override
    void decodeScales(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        long at = start + tile * tileBytes(columns);
        TileQ8.decodeScales(w, at, SCALE_BYTES, columns / BLOCK, out, outStride, column);
    }

    @Override
    void decodeScalesPlainly(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        long at = start + tile * tileBytes(columns);
        TileQ8.decodeScalesPlainly(w, at, SCALE_BYTES, columns / BLOCK, out, outStride, column);
    }

    @Override
    void decodeRow(MemorySegment w, long start, int k, int r, int first, int count, float[] out, int outStart) {
        for (int c = first; c < first + count; c++) {
            float scale = Float.float16ToFloat(w.get(CpuTensor.SHORT, start + c / BLOCK * SCALE_BYTES + 2 * r));
            long at = start + k / BLOCK * SCALE_BYTES + (long) c / 4 * GROUP_BYTES + 2 * r + c % 4 / 2;
            int nibble = w.get(ValueLayout.JAVA_BYTE, at) >> c % 2 * 4 & 15;
            out[outStart + c - first] = scale * ((c % 4 == 3 ? nibble ^ 8 : nibble) - 8);
        }
    }
}
