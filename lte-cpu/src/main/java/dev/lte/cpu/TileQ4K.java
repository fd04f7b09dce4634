package dev.lte.cpu;

import static dev.lte.cpu.Lanes.WIDE;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q4_K tiles: d and dmin as F16, {@code [k/256][16]} each, then {@code [k/32][16]} shorts with the scale of a group in the low
 * byte and its min in the high one, then the weights as in {@link TileQ4}. 148 bytes for 256 weights, 144 in a file. A weight is
 * {@code d * scale * nibble - dmin * min}.
 *
 * <p>The highest nibble of a short is stored signed, 8 too small, which is put right once a group; so are the mins.
 */
final class TileQ4K extends TileFormat {
    static final TileQ4K INSTANCE = new TileQ4K();

    private static final int SUPER_BLOCK = 256;
    private static final int GROUP = SplitGroups.COLUMNS;
    private static final int HALVES_BYTES = 2 * ROWS;
    private static final int COLUMNS_BYTES = 2 * ROWS;

    private TileQ4K() {
        super(DType.Q4_K, SumOrder.GROUPED);
    }

    @Override
    int rowBytes(int k) {
        return k / GROUP * SplitGroups.Q4_BYTES;
    }

    @Override
    long tileBytes(int k) {
        return weights(k) + (long) k / 4 * COLUMNS_BYTES;
    }

    private static long mins(int k) {
        return (long) k / SUPER_BLOCK * HALVES_BYTES;
    }

    private static long scales(int k) {
        return 2 * mins(k);
    }

    private static long weights(int k) {
        return scales(k) + (long) k / GROUP * HALVES_BYTES;
    }

    @Override
    void pack(byte[] rows, int k, byte[] tile) {
        for (int r = 0; r < ROWS; r++) {
            for (int g = 0; g < k / GROUP; g++) {
                int from = r * rowBytes(k) + g * SplitGroups.Q4_BYTES;
                if (g % 8 == 0) {
                    int d = g / 8 * HALVES_BYTES + 2 * r;
                    System.arraycopy(rows, from, tile, d, 2);
                    System.arraycopy(rows, from + 2, tile, (int) mins(k) + d, 2);
                }
                System.arraycopy(rows, from + 4, tile, (int) scales(k) + g * HALVES_BYTES + 2 * r, 2);
                packNibbles(
                        rows, from, tile, (int) weights(k) + g * (GROUP / 4) * COLUMNS_BYTES + 2 * r, COLUMNS_BYTES);
            }
        }
    }

    /** Stores four columns to a short, {@code stride} bytes apart. */
    static void packNibbles(byte[] rows, int from, byte[] tile, int to, int stride) {
        for (int c = 0; c < GROUP; c += 2) {
            int low = SplitGroups.nibble(rows, from, c);
            int high = SplitGroups.nibble(rows, from, c + 1);
            tile[to + c / 4 * stride + c % 4 / 2] = (byte) (low | (c % 4 == 2 ? high ^ 8 : high) << 4);
        }
    }

    /** Activations divided by powers of 16, then for each group what it is too small by and what its min takes off. */
    @Override
    int prepared(int k) {
        return k + 2 * (k / GROUP);
    }

    @Override
    void prepare(float[] x, int xStart, int k, float[] out, int outStart) {
        int groups = k / GROUP;
        for (int g = 0; g < groups; g++) {
            float fourth = 0;
            float all = 0;
            for (int c = g * GROUP; c < (g + 1) * GROUP; c += 4) {
                float x0 = x[xStart + c];
                float x1 = x[xStart + c + 1];
                float x2 = x[xStart + c + 2];
                float x3 = x[xStart + c + 3];
                fourth += x3;
                all += x0 + x1 + x2 + x3;
                out[outStart + c] = x0;
                out[outStart + c + 1] = x1 * 0x1p-4f;
                out[outStart + c + 2] = x2 * 0x1p-8f;
                out[outStart + c + 3] = x3 * 0x1p-12f;
            }
            out[outStart + k + g] = 8 * fourth;
            out[outStart + k + groups + g] = -all;
        }
    }

    @Override
    int scratch(int tiles, int k) {
        return k / GROUP * ROWS;
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
        int groups = k / GROUP;
        for (int i = 0; i < tiles; i++) {
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                long at = start + (tile + i) * tileBytes(k);
                int to = outStart + i * ROWS + r;
                long scales = at + scales(k) + 2 * r;
                correct(w, at + 2 * r, at + mins(k) + 2 * r, scales, groups, x, xStart + k, scratch, out, to);
                TileQ4.multiplyLanes(w, at + weights(k) + 2 * r, k / 4, x, xStart, scratch, out, to);
            }
        }
    }

    /** Decodes the scales to {@code scratch} and adds what the groups are too small by and their mins to out. */
    private static void correct(
            MemorySegment w,
            long d,
            long dmin,
            long scales,
            int groups,
            float[] x,
            int xAt,
            float[] scratch,
            float[] out,
            int to) {
        FloatVector sum = FloatVector.zero(WIDE);
        for (int g = 0; g < groups; g++) {
            FloatVector scale = scale(w, d + (long) (g >> 3) * HALVES_BYTES, scales + (long) g * HALVES_BYTES);
            scale.intoArray(scratch, g * WIDE.length());
            sum = scale.fma(FloatVector.broadcast(WIDE, x[xAt + g]), sum);
        }
        for (int g = 0; g < groups; g++) {
            FloatVector min = min(w, dmin + (long) (g >> 3) * HALVES_BYTES, scales + (long) g * HALVES_BYTES);
            sum = min.fma(FloatVector.broadcast(WIDE, x[xAt + groups + g]), sum);
        }
        FloatVector.fromArray(WIDE, out, to).add(sum).intoArray(out, to);
    }

    /** {@code d * scale} of a vector of rows. */
    static FloatVector scale(MemorySegment w, long d, long scaleAt) {
        IntVector both = TileQ4.shorts(w, scaleAt);
        return Lanes.wideHalves(w, d).mul((FloatVector) both.and(0xff).convert(VectorOperators.I2F, 0));
    }

    /** {@code dmin * min} of a vector of rows. */
    static FloatVector min(MemorySegment w, long dmin, long scaleAt) {
        IntVector both = TileQ4.shorts(w, scaleAt);
        return Lanes.wideHalves(w, dmin).mul((FloatVector)
                both.lanewise(VectorOperators.LSHR, 8).and(0xff).convert(VectorOperators.I2F, 0));
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
            TileQ4.decodeLanes(w, at + 2 * r, count / 4, out, outStride, column + r);
        }
    }

    @Override
    void decodeScales(
            MemorySegment w, long start, int allTiles, int tile, int columns, float[] out, int outStride, int column) {
        long at = start + tile * tileBytes(columns);
        int groups = columns / GROUP;
        for (int g = 0; g < groups; g++) {
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                long d = at + (long) (g >> 3) * HALVES_BYTES + 2 * r;
                long s = at + scales(columns) + (long) g * HALVES_BYTES + 2 * r;
                scale(w, d, s).intoArray(out, g * outStride + column + r);
                min(w, d + mins(columns), s).intoArray(out, (groups + g) * outStride + column + r);
            }
        }
    }

    @Override
    void decodeRow(MemorySegment w, long start, int k, int r, int first, int count, float[] out, int outStart) {
        for (int c = first; c < first + count; c++) {
            long d = start + (long) c / SUPER_BLOCK * HALVES_BYTES + 2 * r;
            long s = start + scales(k) + (long) c / GROUP * HALVES_BYTES + 2 * r;
            long at = start + weights(k) + (long) c / 4 * COLUMNS_BYTES + 2 * r + c % 4 / 2;
            int nibble = w.get(ValueLayout.JAVA_BYTE, at) >> c % 2 * 4 & 15;
            float scale = Float.float16ToFloat(w.get(CpuTensor.SHORT, d)) * w.get(ValueLayout.JAVA_BYTE, s);
            float min = Float.float16ToFloat(w.get(CpuTensor.SHORT, d + mins(k))) * w.get(ValueLayout.JAVA_BYTE, s + 1);
            out[outStart + c - first] = scale * (c % 4 == 3 ? nibble ^ 8 : nibble) - min;
        }
    }
}
