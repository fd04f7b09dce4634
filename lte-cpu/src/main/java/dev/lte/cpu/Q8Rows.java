package dev.lte.cpu;

import static dev.lte.cpu.Lanes.WIDE;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Conversion of runs of Q8_0 elements to and from F32, in element order; indices count elements. The blocks are those of files.
 * A block with a value that it cannot hold (no number, or beyond 127 times the largest F16) becomes NaN.
 */
final class Q8Rows {
    private static final int SIZE = DType.Q8_0.blockSize();
    private static final int BYTES = DType.Q8_0.blockBytes();
    private static final float LARGEST = 127 * 65504f;
    private static final short NAN = 0x7e00;

    /** As many bytes as {@link Lanes#WIDE} has floats, or the narrowest there is. */
    private static final VectorSpecies<Byte> QUARTER =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, 8 * WIDE.length())));

    private static final int PARTS = QUARTER.length() / WIDE.length();

    private Q8Rows() {}

    /** Decodes from any element on. */
    static void decode(MemorySegment from, long start, int count, float[] to, int toStart) {
        int skipped = (int) (start % SIZE);
        if (skipped == 0 && count % SIZE == 0) {
            decodeBlocks(from, start / SIZE * BYTES, count, to, toStart);
            return;
        }
        for (int i = 0; i < count; i++) {
            long block = (start + i) / SIZE * BYTES;
            float scale = Float.float16ToFloat(from.get(CpuTensor.SHORT, block));
            to[toStart + i] = scale * from.get(ValueLayout.JAVA_BYTE, block + 2 + (start + i) % SIZE);
        }
    }

    private static void decodeBlocks(MemorySegment from, long at, int count, float[] to, int toStart) {
        for (int i = 0; i < count; i += SIZE) {
            long block = at + i / SIZE * BYTES;
            float scale = Float.float16ToFloat(from.get(CpuTensor.SHORT, block));
            for (int j = 0; j < SIZE; j += QUARTER.length()) {
                ByteVector bytes = ByteVector.fromMemorySegment(QUARTER, from, block + 2 + j, Lanes.ORDER);
                for (int part = 0; part < PARTS; part++) {
                    FloatVector values = (FloatVector) bytes.convertShape(VectorOperators.B2F, WIDE, part);
                    values.mul(scale).intoArray(to, toStart + i + j + part * WIDE.length());
                }
            }
        }
    }

    /** Encodes whole blocks. */
    static void encode(float[] from, int start, int count, MemorySegment to, long toStart) {
        for (int i = 0; i < count; i += SIZE) {
            encodeBlock(from, start + i, to, (toStart + i) / SIZE * BYTES);
        }
    }

    private static void encodeBlock(float[] from, int start, MemorySegment to, long at) {
        float largest = 0;
        for (int i = start; i < start + SIZE; i++) {
            largest = Math.max(largest, Math.abs(from[i]));
        }
        boolean fits = largest <= LARGEST;
        float scale = largest / 127;
        float inverse = fits && scale != 0 ? 1 / scale : 0;
        to.set(CpuTensor.SHORT, at, fits ? Float.floatToFloat16(scale) : NAN);
        for (int i = 0; i < SIZE; i++) {
            // To nearest, halves away from zero. A subnormal scale has an inverse that is too large, hence the clamp.
            float multiple = Math.abs(from[start + i] * inverse);
            int whole = (int) multiple;
            int rounded = Math.min(127, multiple - whole >= 0.5f ? whole + 1 : whole);
            to.set(ValueLayout.JAVA_BYTE, at + 2 + i, (byte) (from[start + i] < 0 ? -rounded : rounded));
        }
    }
}
