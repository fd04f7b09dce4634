package dev.lte.cpu;

import dev.lte.backend.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Super-blocks of 256 columns taken apart into groups of 32 that stand alone, since an expert of 32 neurons has one group of a
 * down projection's super-block. Bits stay as they are:
 *
 * <pre>
 * Q4_K  22 bytes  d dmin (F16), scale and min (6 bits each, one byte), 16 bytes of nibbles: columns 0 to 15, then 16 to 31
 * Q6_K  36 bytes  d (F16), the scales of two times 16 columns, 32 weights as signed bytes
 * </pre>
 *
 * <p>Source of the super-blocks: ggml, {@code ggml-quants.c}.
 */
final class SplitGroups {
    static final int COLUMNS = 32;
    static final int Q4_BYTES = 22;
    static final int Q6_BYTES = 36;

    /** Where the weights begin in a group. */
    static final int Q4_WEIGHTS = 6;

    static final int Q6_WEIGHTS = 4;

    private static final int SUPER_BLOCK = 256;

    private SplitGroups() {}

    static boolean has(DType dtype) {
        return dtype == DType.Q4_K || dtype == DType.Q6_K;
    }

    static int bytes(DType dtype) {
        return dtype == DType.Q4_K ? Q4_BYTES : Q6_BYTES;
    }

    /** Takes out the group that {@code column} of a row is in. */
    static void read(DType dtype, MemorySegment from, long rowStart, int column, byte[] to, int at) {
        long block = rowStart + (long) column / SUPER_BLOCK * dtype.blockBytes();
        int group = column % SUPER_BLOCK / COLUMNS;
        if (dtype == DType.Q4_K) {
            q4(from, block, group, to, at);
        } else {
            q6(from, block, group, to, at);
        }
    }

    private static void q4(MemorySegment from, long block, int group, byte[] to, int at) {
        MemorySegment.copy(from, ValueLayout.JAVA_BYTE, block, to, at, 4);
        long packed = block + 4;
        int low = unsigned(from, packed + group % 4);
        int high = unsigned(from, packed + 4 + group % 4);
        int both = group < 4 ? 0 : unsigned(from, packed + 8 + group % 4);
        to[at + 4] = (byte) (group < 4 ? low & 63 : both & 15 | low >> 6 << 4);
        to[at + 5] = (byte) (group < 4 ? high & 63 : both >> 4 | high >> 6 << 4);
        long codes = block + 16 + group / 2 * 32;
        int shift = group % 2 * 4;
        for (int i = 0; i < 16; i++) {
            int first = unsigned(from, codes + i) >> shift & 15;
            int second = unsigned(from, codes + 16 + i) >> shift & 15;
            to[at + Q4_WEIGHTS + i] = (byte) (first | second << 4);
        }
    }

    private static void q6(MemorySegment from, long block, int group, byte[] to, int at) {
        MemorySegment.copy(from, ValueLayout.JAVA_BYTE, block + 208, to, at, 2);
        MemorySegment.copy(from, ValueLayout.JAVA_BYTE, block + 192 + 2 * group, to, at + 2, 2);
        long low = block + group / 4 * 64 + group % 2 * 32;
        int lowShift = group % 4 / 2 * 4;
        long high = block + 128 + group / 4 * 32;
        int highShift = group % 4 * 2;
        for (int i = 0; i < COLUMNS; i++) {
            int code = unsigned(from, low + i) >> lowShift & 15 | (unsigned(from, high + i) >> highShift & 3) << 4;
            to[at + Q6_WEIGHTS + i] = (byte) (code - 32);
        }
    }

    /** Moves columns {@code first} to {@code first + count}, which divides the group, to the front of their group. */
    static void shift(DType dtype, byte[] group, int at, int first, int count) {
        if (dtype == DType.Q6_K && first >= COLUMNS / 2) {
            group[at + 2] = group[at + 3];
        }
        for (int i = 0; i < COLUMNS; i++) {
            if (dtype == DType.Q6_K) {
                group[at + Q6_WEIGHTS + i] = i < count ? group[at + Q6_WEIGHTS + first + i] : 0;
            } else {
                set(group, at, i, i < count ? nibble(group, at, first + i) : 0);
            }
        }
    }

    /** Column c of a group of Q4_K. */
    static int nibble(byte[] group, int at, int c) {
        return group[at + Q4_WEIGHTS + c % 16] >> (c < 16 ? 0 : 4) & 15;
    }

    private static void set(byte[] group, int at, int c, int nibble) {
        int i = at + Q4_WEIGHTS + c % 16;
        group[i] = (byte) (c < 16 ? group[i] & 0xf0 | nibble : group[i] & 15 | nibble << 4);
    }

    /** Decodes a group. */
    static void decode(DType dtype, byte[] group, int at, float[] out, int start) {
        float d = half(group, at);
        for (int i = 0; i < COLUMNS; i++) {
            out[start + i] = dtype == DType.Q4_K
                    ? d * group[at + 4] * nibble(group, at, i) - half(group, at + 2) * group[at + 5]
                    : d * group[at + 2 + i / 16] * group[at + Q6_WEIGHTS + i];
        }
    }

    private static float half(byte[] bytes, int at) {
        return Float.float16ToFloat((short) (bytes[at] & 0xff | bytes[at + 1] << 8));
    }

    private static int unsigned(MemorySegment from, long at) {
        return from.get(ValueLayout.JAVA_BYTE, at) & 0xff;
    }
}
