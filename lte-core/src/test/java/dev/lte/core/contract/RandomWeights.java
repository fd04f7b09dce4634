package dev.lte.core.contract;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Locale;
import java.util.random.RandomGenerator;

/**
 * Weights of every type: random bits where any bits are valid, sane scales where blocks keep them. They reach every code of a
 * format, which encoding random numbers would not.
 */
public final class RandomWeights {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private RandomWeights() {}

    /** A matrix in its own memory; its bytes are 2-aligned only, as in a file. */
    public static WeightData matrix(DType dtype, int rows, int columns, RandomGenerator random) {
        long size = rows * dtype.byteSize(columns);
        MemorySegment bytes = Arena.ofAuto().allocate(size + 2, 4).asSlice(2, size);
        for (long at = 0; at < size; at += dtype.blockBytes()) {
            block(dtype, bytes.asSlice(at, dtype.blockBytes()), random);
        }
        return new WeightData(
                dtype.name().toLowerCase(Locale.ROOT) + ".weight", dtype, rows, columns, bytes.asReadOnly());
    }

    /** An F32 weight with these values. */
    public static WeightData floats(int rows, int columns, float[] values) {
        MemorySegment bytes = Arena.ofAuto().allocate(4L * values.length, 4);
        for (int i = 0; i < values.length; i++) {
            bytes.set(FLOAT, 4L * i, values[i]);
        }
        return new WeightData("f32.weight", DType.F32, rows, columns, bytes.asReadOnly());
    }

    private static void block(DType dtype, MemorySegment block, RandomGenerator random) {
        byte[] bits = new byte[dtype.blockBytes()];
        random.nextBytes(bits);
        MemorySegment.copy(bits, 0, block, ValueLayout.JAVA_BYTE, 0, bits.length);
        float value = (float) random.nextGaussian() * (random.nextInt(200) == 0 ? 2 : 0.1f);
        switch (dtype) {
            case F32 -> block.set(FLOAT, 0, value);
            case F16 -> block.set(SHORT, 0, Float.floatToFloat16(value));
            case BF16 -> block.set(SHORT, 0, (short) (Float.floatToRawIntBits(value) >>> 16));
            case Q8_0 -> scale(block, 0, random, 1e-3f);
            case Q4_0, Q5_0, IQ4_NL -> scale(block, 0, random, 1e-2f);
            case Q4_1, Q5_1 -> {
                scale(block, 0, random, 1e-2f);
                scale(block, 2, random, 1e-1f);
            }
            case Q4_K, Q5_K -> {
                scale(block, 0, random, 3e-4f);
                scale(block, 2, random, 3e-3f);
            }
            case Q2_K -> {
                scale(block, 80, random, 3e-3f);
                scale(block, 82, random, 3e-3f);
            }
            case Q3_K -> scale(block, 108, random, 1e-3f);
            case Q6_K -> scale(block, 208, random, 1e-4f);
            case IQ4_XS -> scale(block, 0, random, 1e-4f);
            case MXFP4 -> block.set(ValueLayout.JAVA_BYTE, 0, (byte) random.nextInt(118, 125));
            case I32 -> throw new IllegalArgumentException("no weight type: " + dtype);
        }
    }

    private static void scale(MemorySegment block, long at, RandomGenerator random, float magnitude) {
        float sign = random.nextInt(8) == 0 ? -1 : 1;
        block.set(SHORT, at, Float.floatToFloat16(sign * magnitude * (0.5f + random.nextFloat())));
    }
}
