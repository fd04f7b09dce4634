package dev.lte.core.quant;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;

/** Converts between floats and every type that weights come in. */
public final class BlockFormats {
    private BlockFormats() {}

    /**
     * Decodes {@code count} elements, whole blocks, from byte {@code offset} on.
     *
     * @throws IllegalArgumentException for {@link DType#I32} and for a part of a block
     */
    public static void decode(DType dtype, MemorySegment bytes, long offset, float[] out, int start, int count) {
        throw new UnsupportedOperationException();
    }

    /** Whether {@link #encode} takes the type. */
    public static boolean encodes(DType dtype) {
        return switch (dtype) {
            case F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K -> true;
            default -> false;
        };
    }

    /** Encodes {@code count} elements, whole blocks, to byte {@code offset} on. */
    public static void encode(DType dtype, float[] in, int start, int count, MemorySegment out, long offset) {
        throw new UnsupportedOperationException();
    }
}
