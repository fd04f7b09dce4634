package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.I;
import static dev.lte.cpu.Lanes.L;
import static dev.lte.cpu.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Conversion of runs of F16 and BF16 elements to and from F32, in element order. Indices count elements. */
final class HalfRows {
    /** As many shorts as {@link Lanes#F} has floats, or the narrowest there is. */
    private static final VectorSpecies<Short> HALF =
            VectorSpecies.of(short.class, VectorShape.forBitSize(Math.max(64, 16 * F.length())));

    private HalfRows() {}

    static void decodeF16(MemorySegment from, long start, int count, float[] to, int toStart) {
        int i = 0;
        for (; i <= count - HALF.length(); i += L) {
            IntVector bits = load(from, start + i);
            FloatVector value = Lanes.halfToFloat(bits.lanewise(VectorOperators.LSHL, 16));
            // Infinities and NaNs, whose exponent is beyond that of finite values.
            VectorMask<Float> special = value.abs().compare(VectorOperators.GE, 65536f);
            FloatVector exponent = value.reinterpretAsInts().or(0x7f800000).reinterpretAsFloats();
            value.blend(exponent, special).intoArray(to, toStart + i);
        }
        for (; i < count; i++) {
            to[toStart + i] = Float.float16ToFloat(from.get(CpuTensor.SHORT, 2 * (start + i)));
        }
    }

    /** As {@link #decodeF16}, for code that is not compiled yet. */
    static void decodeF16Plainly(MemorySegment from, long start, int count, float[] to, int toStart) {
        // One call of a method that is not compiled either, instead of one for each element.
        short[] bits = from.asSlice(2 * start, 2L * count).toArray(CpuTensor.SHORT);
        for (int i = 0; i < count; i++) {
            to[toStart + i] = Float.float16ToFloat(bits[i]);
        }
    }

    static void decodeBf16(MemorySegment from, long start, int count, float[] to, int toStart) {
        int i = 0;
        for (; i <= count - HALF.length(); i += L) {
            load(from, start + i)
                    .lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats()
                    .intoArray(to, toStart + i);
        }
        for (; i < count; i++) {
            to[toStart + i] = bf16ToFloat(from.get(CpuTensor.SHORT, 2 * (start + i)));
        }
    }

    private static IntVector load(MemorySegment from, long element) {
        ShortVector bits = ShortVector.fromMemorySegment(HALF, from, 2 * element, ORDER);
        return (IntVector) bits.convertShape(VectorOperators.S2I, I, 0);
    }

    static void encodeF16(float[] from, int start, int count, MemorySegment to, long toStart) {
        for (int i = 0; i < count; i++) {
            to.set(CpuTensor.SHORT, 2 * (toStart + i), Float.floatToFloat16(from[start + i]));
        }
    }

    static void encodeBf16(float[] from, int start, int count, MemorySegment to, long toStart) {
        for (int i = 0; i < count; i++) {
            to.set(CpuTensor.SHORT, 2 * (toStart + i), floatToBf16(from[start + i]));
        }
    }

    static float bf16ToFloat(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** Rounds to nearest even; a NaN stays one. */
    static short floatToBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }
}
