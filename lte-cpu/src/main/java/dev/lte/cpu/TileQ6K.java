package dev.lte.cpu;

import static dev.lte.cpu.Lanes.WIDE;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q6_K tiles: d as F16 {@code [k/256][16]}, then {@code [k/32][16]} shorts with the scales of two times 16 columns, then the
 * weights in a byte each as in {@link TileQ8}: putting four and two bits together costs more than the bytes that it saves. 274
 * bytes for 256 weights, 210 in a file. A weight is {@code d * scale * (code - 32)}.
 */
final class TileQ6K extends TileFormat {
    static final TileQ6K INSTANCE = new TileQ6K();

    private static final int SUPER_BLOCK = 256;
    private static final int GROUP = SplitGroups.COLUMNS;
    private static final int HALF = GROUP / 2;
    private static final int HALVES_BYTES = 2 * ROWS;
    private static final int COLUMNS_BYTES = 4 * ROWS;

    private TileQ6K() {
        super(DType.Q6_K, SumOrder.GROUPED);
    }

    @Override
    int scaleColumns() {
        return HALF;
    }

    @Override
    int rowBytes(int k) {
        return k / GROUP * SplitGroups.Q6_BYTES;
    }

    @Override
    long tileBytes(int k) {
        return weights(k) + (long) k / 4 * COLUMNS_BYTES;
    }

    private static long scales(int k) {
        return (long) k / SUPER_BLOCK * HALVES_BYTES;
    }

    private static long weights(int k) {
        return scales(k) + (long) k / GROUP * HALVES_BYTES;
    }

    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        for (int r = 0; r < ROWS; r++) {
            for (int g = 0; g < k / GROUP; g++) {
                int from = r * rowBytes(k) + g * SplitGroups.Q6_BYTES;
                if (g % 8 == 0) {
                    System.arraycopy(rows, from, tile, g / 8 * HALVES_BYTES + 2 * r, 2);
                }
                System.arraycopy(rows, from + 2, tile, (int) scales(k) + g * HALVES_BYTES + 2 * r, 2);
                packBytes(rows, from, tile, (int) weights(k) + g * (GROUP / 4) * COLUMNS_BYTES + 4 * r, COLUMNS_BYTES);
            }
        }
    }

    /** Stores four columns to an int, {@code stride} bytes apart, 128 added to all but the last. */
    static void packBytes(byte[] rows, int from, byte[] tile, int to, int stride) {
        for (int c = 0; c < GROUP; c++) {
            int weight = rows[from + SplitGroups.Q6_WEIGHTS + c];
            tile[to + c / 4 * stride + c % 4] = (byte) (c % 4 == 3 ? weight : weight + 128);
        }
    }

    /** Activations divided by powers of 256, then what each 16 columns are too large by. */
    @Override
    int prepared(int k) {
        return k + k / HALF;
    }

    @Override
    void prepare(float[] x, int xStart, int k, float[] out, int outStart) {
        for (int b = 0; b < k / HALF; b++) {
            float excess = 0;
            for (int c = b * HALF; c < (b + 1) * HALF; c += 4) {
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
        return k / HALF * ROWS;
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
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                long at = start + (tile + i) * tileBytes(k);
                int to = outStart + i * ROWS + r;
                correct(w, at + 2 * r, at + scales(k) + 2 * r, k / GROUP, x, xStart + k, scratch, out, to);
                multiplyLanes(w, at + weights(k) + 4 * r, k / 4, x, xStart, scratch, out, to);
            }
        }
    }

    /** Decodes the scales to {@code scratch} and adds {@code sum over b of scale[b] * excess[b]} to out. */
    private static void correct(
            MemorySegment w,
            long d,
            long scales,
            int groups,
            float[] x,
            int xAt,
            float[] scratch,
            float[] out,
            int to) {
        FloatVector sum = FloatVector.zero(WIDE);
        for (int g = 0; g < groups; g++) {
            FloatVector factor = Lanes.wideHalves(w, d + (long) (g >> 3) * HALVES_BYTES);
            IntVector both = TileQ4.shorts(w, scales + (long) g * HALVES_BYTES);
            FloatVector first = factor.mul(low(both));
            FloatVector second = factor.mul(high(both));
            first.intoArray(scratch, 2 * g * WIDE.length());
            second.intoArray(scratch, 2 * g * WIDE.length() + WIDE.length());
            sum = first.fma(FloatVector.broadcast(WIDE, x[xAt + 2 * g]), sum);
            sum = second.fma(FloatVector.broadcast(WIDE, x[xAt + 2 * g + 1]), sum);
        }
        FloatVector.fromArray(WIDE, out, to).add(sum).intoArray(out, to);
    }

    /** As in {@link TileQ8}, with a scale for every 16 columns. */
    private static void multiplyLanes(
            MemorySegment w, long at, int groups, float[] x, int xStart, float[] scales, float[] out, int to) {
        FloatVector sum = FloatVector.zero(WIDE);
        for (int g = 0; g < groups; g++) {
            IntVector v = ColumnsQ8.load(w, at + (long) g * COLUMNS_BYTES);
            int i = xStart + 4 * g;
            FloatVector part = TileQ8.masked(v, 0xff).mul(x[i]);
            part = TileQ8.masked(v, 0xff00).fma(FloatVector.broadcast(WIDE, x[i + 1]), part);
            part = TileQ8.masked(v, 0xff0000).fma(FloatVector.broadcast(WIDE, x[i + 2]), part);
            part = TileQ8.masked(v, 0xff000000).fma(FloatVector.broadcast(WIDE, x[i + 3]), part);
            sum = part.fma(FloatVector.fromArray(WIDE, scales, (g >> 2) * WIDE.length()), sum);
        }
        FloatVector.fromArray(WIDE, out, to).add(sum).intoArray(out, to);
    }

    /** The scales in the low bytes. */
    static FloatVector low(IntVector both) {
        return (FloatVector) both.lanewise(VectorOperators.LSHL, 24)
                .lanewise(VectorOperators.ASHR, 24)
                .convert(VectorOperators.I2F, 0);
    }

    /** The scales in the high bytes of sign-extended shorts. */
    static FloatVector high(IntVector both) {
        return (FloatVector) both.lanewise(VectorOperators.ASHR, 8).convert(VectorOperators.I2F, 0);
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
        long at = start + tile * tileBytes(columns) + weights(columns) + (long) first / 4 * COLUMNS_BYTES;
        for (int r = 0; r < ROWS; r += WIDE.length()) {
            TileQ8.decodeLanes(w, at + 4 * r, count / 4, out, outStride, column + r);
        }
    }

    @Override
    void decodeScales(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        long at = start + tile * tileBytes(columns);
        for (int g = 0; g < columns / GROUP; g++) {
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                FloatVector factor = Lanes.wideHalves(w, at + (long) (g >> 3) * HALVES_BYTES + 2 * r);
                IntVector both = TileQ4.shorts(w, at + scales(columns) + (long) g * HALVES_BYTES + 2 * r);
                factor.mul(low(both)).intoArray(out, 2 * g * outStride + column + r);
                factor.mul(high(both)).intoArray(out, (2 * g + 1) * outStride + column + r);
            }
        }
    }

    @Override
    void decodeRow(MemorySegment w, long start, int k, int r, int first, int count, float[] out, int outStart) {
        for (int c = first; c < first + count; c++) {
            float d =
                    Float.float16ToFloat(w.get(CpuTensor.SHORT, start + (long) c / SUPER_BLOCK * HALVES_BYTES + 2 * r));
            long s = start + scales(k) + (long) c / GROUP * HALVES_BYTES + 2 * r + c % GROUP / HALF;
            byte weight =
                    w.get(ValueLayout.JAVA_BYTE, start + weights(k) + (long) c / 4 * COLUMNS_BYTES + 4 * r + c % 4);
            out[outStart + c - first] =
                    d * w.get(ValueLayout.JAVA_BYTE, s) * (byte) (c % 4 == 3 ? weight : weight - 128);
        }
    }
}
