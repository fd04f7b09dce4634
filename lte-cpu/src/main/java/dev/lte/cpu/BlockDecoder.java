package dev.lte.cpu;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The file types that have kernels here, and their decoding to F32 while weights are loaded, one element at a time. Layouts
 * as in ggml ({@code ggml-common.h}).
 */
final class BlockDecoder {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(Lanes.ORDER);

    private BlockDecoder() {}

    static boolean supports(DType dtype) {
        return switch (dtype) {
            case F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K -> true;
            default -> false;
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
        if (SplitGroups.has(dtype)) {
            byte[] group = new byte[SplitGroups.bytes(dtype)];
            for (int c = 0; c < count; c += SplitGroups.COLUMNS) {
                SplitGroups.read(dtype, from, start, c, group, 0);
                SplitGroups.decode(dtype, group, 0, to, toStart + c);
            }
            return;
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
                default -> {
                    float scale = half(from, at);
                    for (int i = 0; i < size; i++) {
                        int nibbles = from.get(ValueLayout.JAVA_BYTE, at + 2 + i % 16);
                        to[out + i] = scale * ((nibbles >> (i < 16 ? 0 : 4) & 15) - 8);
                    }
                }
            }
        }
    }

    private static float half(MemorySegment from, long at) {
        return Float.float16ToFloat(from.get(CpuTensor.SHORT, at));
    }
}
