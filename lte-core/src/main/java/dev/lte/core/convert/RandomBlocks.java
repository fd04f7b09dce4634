package dev.lte.core.convert;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/**
 * Random weights written straight in a type's own layout, which is many times faster than encoding random numbers. Elements
 * have mean 0 and the wanted standard deviation; within a block type they are spread evenly over the codes.
 *
 * <p>The mean of a block's codes is not 0 in every type, so scales get a random sign: over the blocks the mean is.
 */
final class RandomBlocks {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Root mean squares of the codes: 0 to 15 minus 8, -128 to 127, 0 to 15 minus 7.5, 0 to 63 minus 32. */
    private static final double Q4_0 = Math.sqrt(21.5);

    private static final double Q8_0 = Math.sqrt((128.0 * 128 * 2 + 1) / 6);
    private static final double Q4_K = Math.sqrt(21.25);
    private static final double Q6_K = Math.sqrt(341.5);

    /** Sub-block scales of Q4_K run from 32 to 63, those of Q6_K from 32 to 95. */
    private static final double MEAN_SCALE_Q4_K = rootMeanSquare(32, 63);

    private static final double MEAN_SCALE_Q6_K = rootMeanSquare(32, 95);

    private RandomBlocks() {}

    private static double rootMeanSquare(int from, int to) {
        double sum = 0;
        for (int i = from; i <= to; i++) {
            sum += (double) i * i;
        }
        return Math.sqrt(sum / (to - from + 1));
    }

    /** Fills {@code bytes}, whole blocks of {@code dtype}. */
    static void fill(MemorySegment bytes, DType dtype, double deviation, SplittableRandom random) {
        switch (dtype) {
            case F32 -> fillFloats(bytes, deviation, random);
            case F16, BF16 -> fillHalves(bytes, dtype, deviation, random);
            case Q8_0 -> fillSimple(bytes, dtype, (float) (deviation / Q8_0), random);
            case Q4_0 -> fillSimple(bytes, dtype, (float) (deviation / Q4_0), random);
            case Q4_K -> fillQ4K(bytes, (float) (deviation / Q4_K / MEAN_SCALE_Q4_K), random);
            case Q6_K -> fillQ6K(bytes, (float) (deviation / Q6_K / MEAN_SCALE_Q6_K), random);
            default -> throw new IllegalArgumentException("random weights of type " + dtype + " are not supported");
        }
    }

    /** Uniform: a random int over its whole range has deviation 2^31 / sqrt(3). */
    private static void fillFloats(MemorySegment bytes, double deviation, SplittableRandom random) {
        float scale = (float) (deviation * Math.sqrt(3) / (1L << 31));
        for (long at = 0; at + 8 <= bytes.byteSize(); at += 8) {
            long bits = random.nextLong();
            bytes.set(INT, at, Float.floatToRawIntBits((int) bits * scale));
            bytes.set(INT, at + 4, Float.floatToRawIntBits((int) (bits >> 32) * scale));
        }
        if (bytes.byteSize() % 8 != 0) {
            bytes.set(INT, bytes.byteSize() - 4, Float.floatToRawIntBits(random.nextInt() * scale));
        }
    }

    private static void fillHalves(MemorySegment bytes, DType dtype, double deviation, SplittableRandom random) {
        float scale = (float) (deviation * Math.sqrt(3) / (1 << 15));
        short[] codes = new short[1 << 16];
        for (int i = 0; i < codes.length; i++) {
            float value = (short) i * scale;
            codes[i] =
                    dtype == DType.F16 ? Float.floatToFloat16(value) : (short) (Float.floatToRawIntBits(value) >>> 16);
        }
        long at = 0;
        for (; at + 8 <= bytes.byteSize(); at += 8) {
            long bits = random.nextLong();
            bytes.set(SHORT, at, codes[(int) bits & 0xFFFF]);
            bytes.set(SHORT, at + 2, codes[(int) (bits >>> 16) & 0xFFFF]);
            bytes.set(SHORT, at + 4, codes[(int) (bits >>> 32) & 0xFFFF]);
            bytes.set(SHORT, at + 6, codes[(int) (bits >>> 48)]);
        }
        for (; at < bytes.byteSize(); at += 2) {
            bytes.set(SHORT, at, codes[random.nextInt() & 0xFFFF]);
        }
    }

    /** A scale, then codes. */
    private static void fillSimple(MemorySegment bytes, DType dtype, float scale, SplittableRandom random) {
        short plus = Float.floatToFloat16(scale);
        short minus = Float.floatToFloat16(-scale);
        for (long at = 0; at < bytes.byteSize(); at += dtype.blockBytes()) {
            bytes.set(SHORT, at, random.nextInt() < 0 ? minus : plus);
            fillBits(bytes, at + 2, dtype.blockBytes() - 2, random);
        }
    }

    /**
     * {@code d * scale * code - dmin * min}: with {@code dmin = 7.5 d} and each sub-block's min equal to its scale, the mean
     * of a block is 0.
     */
    private static void fillQ4K(MemorySegment bytes, float scale, SplittableRandom random) {
        short d = Float.floatToFloat16(scale);
        short dmin = Float.floatToFloat16(7.5f * Float.float16ToFloat(d));
        for (long at = 0; at < bytes.byteSize(); at += DType.Q4_K.blockBytes()) {
            bytes.set(SHORT, at, d);
            bytes.set(SHORT, at + 2, dmin);
            long bits = random.nextLong();
            for (int i = 0; i < 4; i++) {
                // Scales 0 to 3 lie in the low 6 bits; scales 4 to 7 are split into 4 low and 2 high bits.
                int low = 32 | (int) (bits >>> 5 * i) & 31;
                int high = 32 | (int) (bits >>> 20 + 5 * i) & 31;
                byte first = (byte) (low | (high >> 4) << 6);
                bytes.set(ValueLayout.JAVA_BYTE, at + 4 + i, first);
                bytes.set(ValueLayout.JAVA_BYTE, at + 8 + i, first);
                bytes.set(ValueLayout.JAVA_BYTE, at + 12 + i, (byte) (high & 15 | (high & 15) << 4));
            }
            fillBits(bytes, at + 16, 128, random);
        }
    }

    /** Codes first, then 16 signed scales, then the scale of all. */
    private static void fillQ6K(MemorySegment bytes, float scale, SplittableRandom random) {
        short d = Float.floatToFloat16(scale);
        for (long at = 0; at < bytes.byteSize(); at += DType.Q6_K.blockBytes()) {
            fillBits(bytes, at, 192, random);
            for (int half = 0; half < 2; half++) {
                long bits = random.nextLong();
                for (int i = 0; i < 8; i++) {
                    int code = (int) (bits >>> 8 * i);
                    int magnitude = 32 + (code & 63);
                    byte signed = (byte) ((code & 64) == 0 ? magnitude : -magnitude);
                    bytes.set(ValueLayout.JAVA_BYTE, at + 192 + 8 * half + i, signed);
                }
            }
            bytes.set(SHORT, at + 208, d);
        }
    }

    /** @param count a multiple of 8 */
    private static void fillBits(MemorySegment bytes, long at, int count, SplittableRandom random) {
        for (int i = 0; i < count; i += 8) {
            bytes.set(LONG, at + i, random.nextLong());
        }
    }
}
