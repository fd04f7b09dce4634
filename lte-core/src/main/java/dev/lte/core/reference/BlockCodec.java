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
        for (int i = 0; i < count; i++) {
            long at = offset + (long) (i / dtype.blockSize()) * dtype.blockBytes();
            int j = i % dtype.blockSize();
            out[start + i] = switch (dtype) {
                case F32 -> bytes.get(FLOAT, at);
                case F16 -> half(bytes, at);
                case BF16 -> Float.intBitsToFloat(bytes.get(SHORT, at) << 16);
                case Q8_0 -> half(bytes, at) * bytes.get(ValueLayout.JAVA_BYTE, at + 2 + j);
                case Q4_0 ->
                    half(bytes, at)
                            * ((bytes.get(ValueLayout.JAVA_BYTE, at + 2 + j % 16) >> (j < 16 ? 0 : 4) & 15) - 8);
                default -> throw new IllegalArgumentException("weights of type " + dtype + " are not supported");
            };
        }
    }

    private static float half(MemorySegment bytes, long at) {
        return Float.float16ToFloat(bytes.get(SHORT, at));
    }
}
