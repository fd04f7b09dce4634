package dev.lte.core.reference;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Decodes the commonest weight types. */
final class BlockCodec {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private BlockCodec() {}

    static boolean decodes(DType dtype) {
        return switch (dtype) {
            case F32, F16, BF16, Q8_0, Q4_0 -> true;
            default -> false;
        };
    }

    /** Decodes {@code count} elements, whole blocks, from byte {@code offset} on. */
    static void decode(DType dtype, MemorySegment bytes, long offset, float[] out, int start, int count) {
        switch (dtype) {
            case F32 -> MemorySegment.copy(bytes, FLOAT, offset, out, start, count);
            case F16 -> {
                for (int i = 0; i < count; i++) {
                    out[start + i] = half(bytes, offset + 2L * i);
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    out[start + i] = Float.intBitsToFloat(bytes.get(SHORT, offset + 2L * i) << 16);
                }
            }
            case Q8_0, Q4_0 -> {
                for (int block = 0; block < count / 32; block++) {
                    long at = offset + (long) block * dtype.blockBytes();
                    float scale = half(bytes, at);
                    for (int i = 0; i < 32; i++) {
                        int code = dtype == DType.Q8_0
                                ? bytes.get(ValueLayout.JAVA_BYTE, at + 2 + i)
                                : (bytes.get(ValueLayout.JAVA_BYTE, at + 2 + i % 16) >> (i < 16 ? 0 : 4) & 15) - 8;
                        out[start + block * 32 + i] = scale * code;
                    }
                }
            }
            default -> throw new IllegalArgumentException("weights of type " + dtype + " are not supported");
        }
    }

    private static float half(MemorySegment bytes, long at) {
        return Float.float16ToFloat(bytes.get(SHORT, at));
    }
}
