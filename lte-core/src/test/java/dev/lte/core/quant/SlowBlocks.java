package dev.lte.core.quant;

import dev.lte.backend.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One element of a block at a time, in double precision, straight from the descriptions of the layouts: what the decoders under
 * test must agree with. Products of a half-precision scale and small integers are exact in both precisions, so each element
 * is rounded once only, here as there.
 */
final class SlowBlocks {
    private static final int[] IQ4 = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
    private static final double[] E2M1 = {0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6};

    private final ByteBuffer block;

    SlowBlocks(byte[] block) {
        this.block = ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN);
    }

    double element(DType dtype, int i) {
        return switch (dtype) {
            case Q4_0 -> half(0) * (nibble(2, 16, i) - 8);
            case Q4_1 -> half(0) * nibble(4, 16, i) + half(2);
            case Q5_0 -> half(0) * (nibble(6, 16, i) + 16 * bit(2, i) - 16);
            case Q5_1 -> half(0) * (nibble(8, 16, i) + 16 * bit(4, i)) + half(2);
            case Q8_0 -> half(0) * block.get(2 + i);
            case Q2_K -> {
                int scale = unsigned(i / 16);
                yield half(80) * (scale % 16) * pair(16, i) - half(82) * (scale / 16);
            }
            case Q3_K -> half(108) * (sixBits(i / 16) - 32) * (pair(32, i) + 4 * bit(0, i % 32 * 8 + i / 32) - 4);
            case Q4_K -> half(0) * scale(i / 32) * nibble(16, 32, i) - half(2) * min(i / 32);
            case Q5_K ->
                half(0) * scale(i / 32) * (nibble(48, 32, i) + 16 * bit(16, i % 32 * 8 + i / 32)) - half(2) * min(i / 32);
            case Q6_K -> {
                int low = nibble(0, 64, i);
                int high = pair(128, i);
                yield half(208) * block.get(192 + i / 16) * (low + 16 * high - 32);
            }
            case IQ4_NL -> half(0) * IQ4[nibble(2, 16, i)];
            case IQ4_XS -> {
                int group = i / 32;
                int low = unsigned(4 + group / 2) >> (group % 2 == 0 ? 0 : 4) & 15;
                int high = bit(2, 2 * group) + 2 * bit(2, 2 * group + 1);
                yield half(0) * (low + 16 * high - 32) * IQ4[nibble(8, 16, i)];
            }
            case MXFP4 -> Math.scalb(E2M1[nibble(1, 16, i)], unsigned(0) - 127);
            case F32, F16, BF16, I32 -> throw new IllegalArgumentException(dtype.toString());
        };
    }

    private int unsigned(int at) {
        return block.get(at) & 255;
    }

    private double half(int at) {
        return Float.float16ToFloat(block.getShort(at));
    }

    /** Runs of {@code 2 span} elements in {@code span} bytes: the first of them in the lower halves. */
    private int nibble(int at, int span, int i) {
        int inRun = i % (2 * span);
        return unsigned(at + i / (2 * span) * span + inRun % span) >> (inRun < span ? 0 : 4) & 15;
    }

    /** Runs of 128 elements in 32 bytes: each quarter of them in two bits of all bytes. */
    private int pair(int at, int i) {
        return unsigned(at + i / 128 * 32 + i % 32) >> i % 128 / 32 * 2 & 3;
    }

    private int bit(int at, int number) {
        return unsigned(at + number / 8) >> number % 8 & 1;
    }

    private int scale(int group) {
        return group < 4
                ? unsigned(4 + group) % 64
                : unsigned(4 + 8 + group - 4) % 16 + unsigned(4 + group - 4) / 64 * 16;
    }

    private int min(int group) {
        return group < 4 ? unsigned(8 + group) % 64 : unsigned(4 + 8 + group - 4) / 16 + unsigned(4 + group) / 64 * 16;
    }

    private int sixBits(int group) {
        int low = group < 8 ? unsigned(96 + group) % 16 : unsigned(96 + group - 8) / 16;
        return low + 16 * (unsigned(104 + group % 4) >> group / 4 * 2 & 3);
    }
}
