package dev.lte.examples.benchmarks;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Locale;
import java.util.Random;

/** Weights with random codes and scales of about 0.01 in any type that kernels are measured with. */
final class RandomBlocks {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private RandomBlocks() {}

    /** One random row over and over, which is quick to make. */
    static WeightData weight(DType type, int rows, int columns, Random random) {
        long rowBytes = type.byteSize(columns);
        MemorySegment bytes = Arena.ofAuto().allocate(rows * rowBytes, 64);
        for (long at = 0; at < rowBytes; at += type.blockBytes()) {
            block(type, bytes, at, random);
        }
        for (int r = 1; r < rows; r++) {
            MemorySegment.copy(bytes, 0, bytes, r * rowBytes, rowBytes);
        }
        return new WeightData(type.name().toLowerCase(Locale.ROOT), type, rows, columns, bytes);
    }

    private static void block(DType type, MemorySegment to, long at, Random random) {
        float value = (float) random.nextGaussian() * 0.02f;
        if (type.isQuantized()) {
            byte[] codes = new byte[type.blockBytes()];
            random.nextBytes(codes);
            MemorySegment.copy(codes, 0, to, ValueLayout.JAVA_BYTE, at, codes.length);
        }
        switch (type) {
            case F32 -> to.set(FLOAT, at, value);
            case F16 -> to.set(SHORT, at, Float.floatToFloat16(value));
            case BF16 -> to.set(SHORT, at, (short) (Float.floatToIntBits(value) >> 16));
            case Q8_0, Q4_0 -> to.set(SHORT, at, Float.floatToFloat16(1e-3f));
            case Q4_K -> {
                to.set(SHORT, at, Float.floatToFloat16(1e-4f));
                to.set(SHORT, at + 2, Float.floatToFloat16(1e-3f));
            }
            case Q6_K -> to.set(SHORT, at + type.blockBytes() - 2, Float.floatToFloat16(2e-5f));
            default -> throw new IllegalArgumentException("no random weights of type " + type);
        }
    }
}
