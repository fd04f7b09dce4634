package dev.lte.cpu;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Decodes rows of file types to F32 when weights are loaded, one element at a time. Layouts as in ggml
 * ({@code ggml-common.h}, {@code ggml-quants.c}).
 */
final class BlockDecoder {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(Lanes.ORDER);

    private BlockDecoder() {}

    static boolean supports(DType dtype) {
        return switch (dtype) {
            case F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K -> true;
            case I32, Q2_K, Q3_K, IQ4_NL, IQ4_XS, MXFP4 -> false;
        };
    }

    /**
     * Decodes {@code count} elements.
     *
     * @param start byte offset of the first of them, the beginning of a block
     * @param count a whole number of blocks
     * @throws IllegalArgumentException if the type is not {@linkplain #supports supported}
     */
    static void decode(DType dtype, MemorySegment from, long start, int count, float[] to, int toStart) {
        if (!supports(dtype)) {
            throw new IllegalArgumentException("weights of type " + dtype + " are not supported");
        }
        int size = dtype.blockSize();
        for (int b = 0; b < count / size; b++) {
            long at = start + (long) b * dtype.blockBytes();
            int out = toStart + b * size;
            switch (dtype) {
                case F32 -> to[out] = from.get(FLOAT, at);
                case F16 -> to[out] = half(from, at);
                case BF16 -> to[out] = HalfRows.bf16ToFloat(from.get(CpuTensor.SHORT, at));
                case Q8_0 -> {
                    float scale = half(from, at);
                    for (int i = 0; i < size; i++) {
                        to[out + i] = scale * from.get(ValueLayout.JAVA_BYTE, at + 2 + i);
                    }
                }
                case Q4_0 -> nibbles(from, at + 2, -1, half(from, at), -8 * half(from, at), to, out);
                case Q4_1 -> nibbles(from, at + 4, -1, half(from, at), half(from, at + 2), to, out);
                case Q5_0 -> nibbles(from, at + 6, at + 2, half(from, at), -16 * half(from, at), to, out);
                case Q5_1 -> nibbles(from, at + 8, at + 4, half(from, at), half(from, at + 2), to, out);
                case Q4_K -> q4k(from, at, to, out);
                case Q5_K -> q5k(from, at, to, out);
                default -> q6k(from, at, to, out);
            }
        }
    }

    private static float half(MemorySegment from, long at) {
        return Float.float16ToFloat(from.get(CpuTensor.SHORT, at));
    }

    private static int unsigned(MemorySegment from, long at) {
        return from.get(ValueLayout.JAVA_BYTE, at) & 0xff;
    }

    /** 32 elements {@code scale * q + offset}; q has a fifth bit from the int at {@code highBits}, unless that is negative. */
    private static void nibbles(MemorySegment from, long at, long highBits, float scale, float offset, float[] to, int out) {
        for (int i = 0; i < 32; i++) {
            int q = unsigned(from, at + i % 16) >> (i < 16 ? 0 : 4) & 15;
            if (highBits >= 0) {
                q |= (unsigned(from, highBits + i / 8) >> i % 8 & 1) << 4;
            }
            to[out + i] = scale * q + offset;
        }
    }

    /** The 6-bit scale of sub-block j of 8, of the 12 packed bytes that Q4_K and Q5_K share. */
    private static int scale(MemorySegment from, long at, int j) {
        return j < 4
                ? unsigned(from, at + j) & 63
                : unsigned(from, at + j + 4) & 15 | unsigned(from, at + j - 4) >> 6 << 4;
    }

    /** The 6-bit minimum of sub-block j. */
    private static int minimum(MemorySegment from, long at, int j) {
        return j < 4
                ? unsigned(from, at + j + 4) & 63
                : unsigned(from, at + j + 4) >> 4 | unsigned(from, at + j) >> 6 << 4;
    }

    private static void q4k(MemorySegment from, long at, float[] to, int out) {
        float d = half(from, at);
        float m = half(from, at + 2);
        for (int j = 0; j < 8; j++) {
            float scale = d * scale(from, at + 4, j);
            float minimum = m * minimum(from, at + 4, j);
            for (int i = 0; i < 32; i++) {
                int q = unsigned(from, at + 16 + j / 2 * 32 + i) >> j % 2 * 4 & 15;
                to[out + j * 32 + i] = scale * q - minimum;
            }
        }
    }

    private static void q5k(MemorySegment from, long at, float[] to, int out) {
        float d = half(from, at);
        float m = half(from, at + 2);
        for (int j = 0; j < 8; j++) {
            float scale = d * scale(from, at + 4, j);
            float minimum = m * minimum(from, at + 4, j);
            for (int i = 0; i < 32; i++) {
                int q = unsigned(from, at + 48 + j / 2 * 32 + i) >> j % 2 * 4 & 15
                        | (unsigned(from, at + 16 + i) >> j & 1) << 4;
                to[out + j * 32 + i] = scale * q - minimum;
            }
        }
    }

    private static void q6k(MemorySegment from, long at, float[] to, int out) {
        float d = half(from, at + 208);
        for (int i = 0; i < 256; i++) {
            int group = i / 128;
            int quarter = i % 128 / 32;
            int l = i % 32;
            int low = unsigned(from, at + group * 64 + quarter % 2 * 32 + l) >> quarter / 2 * 4 & 15;
            int high = unsigned(from, at + 128 + group * 32 + l) >> quarter * 2 & 3;
            int scale = from.get(ValueLayout.JAVA_BYTE, at + 192 + i / 16);
            to[out + i] = d * scale * ((low | high << 4) - 32);
        }
    }
}
