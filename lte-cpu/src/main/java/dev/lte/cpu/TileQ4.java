package dev.lte.cpu;

import static dev.lte.cpu.Lanes.ORDER;
import static dev.lte.cpu.Lanes.WIDE;
import static dev.lte.cpu.Lanes.WIDE_I;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Q4_0 tiles: first the F16 scales {@code [k/32][16]}, then the weights as ints {@code [k/8][16]}, each with columns 8g to
 * 8g + 7 of its row, the first in the lowest four bits. 18 bytes for 32 weights, as in a file. A weight is
 * {@code scale * (nibble - 8)}.
 *
 * <p>Nibbles are masked in place, as the bytes of {@link TileQ8}: activation j of eight is divided by 16^j. The highest nibble
 * is stored signed, with the 8 taken off; the others' 8 is taken off once a block.
 */
final class TileQ4 extends TileFormat {
    static final TileQ4 INSTANCE = new TileQ4();

    private static final int BLOCK = 32;
    private static final int FILE_BLOCK_BYTES = 18;
    private static final int SCALE_BYTES = 2 * ROWS;
    private static final int GROUP_BYTES = 4 * ROWS;

    private TileQ4() {
        super(DType.Q4_0);
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
                int to = blocks * SCALE_BYTES + b * BLOCK / 8 * GROUP_BYTES + 4 * r;
                for (int c = 0; c < BLOCK; c += 2) {
                    int low = nibble(rows, from + 2, c);
                    int high = nibble(rows, from + 2, c + 1);
                    tile[to + c / 8 * GROUP_BYTES + c % 8 / 2] = (byte) (low | (c % 8 == 6 ? high ^ 8 : high) << 4);
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
            for (int g = b * BLOCK; g < (b + 1) * BLOCK; g += 8) {
                float factor = 1;
                for (int c = g; c < g + 8; c++) {
                    float value = x[xStart + c];
                    excess += c < g + 7 ? value : 0;
                    out[outStart + c] = value * factor;
                    factor *= 0x1p-4f;
                }
            }
            out[outStart + k + b] = -8 * excess;
        }
    }

    @Override
    int scratch(int k) {
        return k / BLOCK * ROWS;
    }

    @Override
    void multiply(
            MemorySegment w, long start, int tiles, long tileStride, int k, float[] x, int xStart, float[] out, int outStart,
            float[] scratch) {
        for (int tile = 0; tile < tiles; tile++) {
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                long at = start + tile * tileStride;
                int to = outStart + tile * ROWS + r;
                TileQ8.scales(w, at + 2 * r, k / BLOCK, x, xStart + k, scratch, out, to);
                multiplyLanes(w, at + k / BLOCK * SCALE_BYTES + 4 * r, k / 8, x, xStart, scratch, out, to);
            }
        }
    }

    /** The sums of one vector of rows; groups of eight columns are added up before their scale is applied. */
    private static void multiplyLanes(
            MemorySegment w, long at, int groups, float[] x, int xStart, float[] scales, float[] out, int to) {
        FloatVector sum = FloatVector.zero(WIDE);
        for (int g = 0; g < groups; g++) {
            IntVector v = IntVector.fromMemorySegment(WIDE_I, w, at + (long) g * GROUP_BYTES, ORDER);
            int i = xStart + 8 * g;
            FloatVector even = TileQ8.masked(v, 0xf).mul(x[i]);
            FloatVector odd = TileQ8.masked(v, 0xf0).mul(x[i + 1]);
            even = TileQ8.masked(v, 0xf00).fma(FloatVector.broadcast(WIDE, x[i + 2]), even);
            odd = TileQ8.masked(v, 0xf000).fma(FloatVector.broadcast(WIDE, x[i + 3]), odd);
            even = TileQ8.masked(v, 0xf0000).fma(FloatVector.broadcast(WIDE, x[i + 4]), even);
            odd = TileQ8.masked(v, 0xf00000).fma(FloatVector.broadcast(WIDE, x[i + 5]), odd);
            even = TileQ8.masked(v, 0xf000000).fma(FloatVector.broadcast(WIDE, x[i + 6]), even);
            odd = TileQ8.masked(v, 0xf0000000).fma(FloatVector.broadcast(WIDE, x[i + 7]), odd);
            sum = even.add(odd).fma(FloatVector.fromArray(WIDE, scales, (g >> 2) * WIDE.length()), sum);
        }
        FloatVector.fromArray(WIDE, out, to).add(sum).intoArray(out, to);
    }

    @Override
    void decode(MemorySegment w, long start, int k, int first, int count, float[] out, int outStride, int column) {
        for (int b = first / BLOCK; b < (first + count) / BLOCK; b++) {
            for (int r = 0; r < ROWS; r += WIDE.length()) {
                long weights = start + k / BLOCK * SCALE_BYTES + (long) b * BLOCK / 8 * GROUP_BYTES + 4 * r;
                decodeBlock(
                        w, start + b * SCALE_BYTES + 2 * r, weights, out, outStride,
                        (b * BLOCK - first) * outStride + column + r);
            }
        }
    }

    private static void decodeBlock(MemorySegment w, long scaleAt, long at, float[] out, int outStride, int to) {
        FloatVector scale = Lanes.wideHalves(w, scaleAt);
        for (int c = 0; c < BLOCK; c++) {
            IntVector v = IntVector.fromMemorySegment(WIDE_I, w, at + (long) (c >> 3) * GROUP_BYTES, ORDER);
            // The highest nibble has its sign bit flipped: as an unsigned one it is too small or too large by 8.
            IntVector nibble = v.lanewise(VectorOperators.XOR, 0x80000000)
                    .lanewise(VectorOperators.LSHR, 4 * (c & 7))
                    .and(15)
                    .sub(8);
            ((FloatVector) nibble.convert(VectorOperators.I2F, 0)).mul(scale).intoArray(out, to + c * outStride);
        }
    }

    @Override
    void decodeRow(MemorySegment w, long start, int k, int r, int first, int count, float[] out, int outStart) {
        for (int c = first; c < first + count; c++) {
            float scale = Float.float16ToFloat(w.get(CpuTensor.SHORT, start + c / BLOCK * SCALE_BYTES + 2 * r));
            long at = start + k / BLOCK * SCALE_BYTES + (long) c / 8 * GROUP_BYTES + 4 * r + c % 8 / 2;
            int nibble = w.get(ValueLayout.JAVA_BYTE, at) >> c % 2 * 4 & 15;
            out[outStart + c - first] = scale * ((c % 8 == 7 ? nibble ^ 8 : nibble) - 8);
        }
    }
}
