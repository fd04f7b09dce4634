package dev.lte.core.quant;

/**
 * Blocks of 32 elements with one half-precision scale d and, in the types ending in 1, a half-precision offset m:
 *
 * <pre>
 * Q4_0  d q[16]         x = d (q - 8)      Q5_0  d h[4] q[16]    x = d (q - 16)
 * Q4_1  d m q[16]       x = d q + m        Q5_1  d m h[4] q[16]  x = d q + m
 * Q8_0  d q[32]         x = d q
 * </pre>
 *
 * Four-bit codes: byte i holds element i in its lower and element i + 16 in its upper half. Five-bit codes: bit i of the
 * 32-bit number h is the fifth bit of element i. Source: ggml, ggml-quants.c.
 */
final class SmallBlocks {
    private static final int SIZE = 32;
    private static final int HALF = 16;

    private SmallBlocks() {}

    static void q40(byte[] in, int blocks, float[] out, int start) {
        for (int block = 0; block < blocks; block++) {
            int at = block * 18;
            int to = start + block * SIZE;
            float scale = BlockBytes.half(in, at);
            for (int i = 0; i < HALF; i++) {
                out[to + i] = ((in[at + 2 + i] & 15) - 8) * scale;
            }
            for (int i = 0; i < HALF; i++) {
                out[to + HALF + i] = ((in[at + 2 + i] >> 4 & 15) - 8) * scale;
            }
        }
    }

    static void q41(byte[] in, int blocks, float[] out, int start) {
        for (int block = 0; block < blocks; block++) {
            int at = block * 20;
            int to = start + block * SIZE;
            float scale = BlockBytes.half(in, at);
            float min = BlockBytes.half(in, at + 2);
            for (int i = 0; i < HALF; i++) {
                out[to + i] = (in[at + 4 + i] & 15) * scale + min;
            }
            for (int i = 0; i < HALF; i++) {
                out[to + HALF + i] = (in[at + 4 + i] >> 4 & 15) * scale + min;
            }
        }
    }

    static void q50(byte[] in, int blocks, float[] out, int start) {
        for (int block = 0; block < blocks; block++) {
            int at = block * 22;
            int to = start + block * SIZE;
            float scale = BlockBytes.half(in, at);
            int high = BlockBytes.int32(in, at + 2);
            for (int i = 0; i < HALF; i++) {
                int code = in[at + 6 + i];
                out[to + i] = ((code & 15 | (high >>> i & 1) << 4) - 16) * scale;
                out[to + HALF + i] = ((code >> 4 & 15 | (high >>> HALF + i & 1) << 4) - 16) * scale;
            }
        }
    }

    static void q51(byte[] in, int blocks, float[] out, int start) {
        for (int block = 0; block < blocks; block++) {
            int at = block * 24;
            int to = start + block * SIZE;
            float scale = BlockBytes.half(in, at);
            float min = BlockBytes.half(in, at + 2);
            int high = BlockBytes.int32(in, at + 4);
            for (int i = 0; i < HALF; i++) {
                int code = in[at + 8 + i];
                out[to + i] = (code & 15 | (high >>> i & 1) << 4) * scale + min;
                out[to + HALF + i] = (code >> 4 & 15 | (high >>> HALF + i & 1) << 4) * scale + min;
            }
        }
    }

    static void q80(byte[] in, int blocks, float[] out, int start) {
        for (int block = 0; block < blocks; block++) {
            int at = block * 34;
            int to = start + block * SIZE;
            float scale = BlockBytes.half(in, at);
            for (int i = 0; i < SIZE; i++) {
                out[to + i] = in[at + 2 + i] * scale;
            }
        }
    }

    /** The value of largest magnitude, of either sign, gets code 0, which stands for -8. */
    static void encodeQ40(float[] in, int start, byte[] block) {
        float largest = 0;
        for (int i = 0; i < SIZE; i++) {
            if (Math.abs(in[start + i]) > Math.abs(largest)) {
                largest = in[start + i];
            }
        }
        float scale = largest / -8;
        float inverse = scale == 0 ? 0 : 1 / scale;
        BlockBytes.putHalf(block, 0, scale);
        for (int i = 0; i < HALF; i++) {
            int low = fourBits(in[start + i] * inverse);
            int high = fourBits(in[start + HALF + i] * inverse);
            block[2 + i] = (byte) (low | high << 4);
        }
    }

    private static int fourBits(float multiple) {
        return Math.clamp((int) (multiple + 8.5f), 0, 15);
    }

    static void encodeQ80(float[] in, int start, byte[] block) {
        float largest = 0;
        for (int i = 0; i < SIZE; i++) {
            largest = Math.max(largest, Math.abs(in[start + i]));
        }
        float scale = largest / 127;
        float inverse = scale == 0 ? 0 : 1 / scale;
        BlockBytes.putHalf(block, 0, scale);
        for (int i = 0; i < SIZE; i++) {
            // To nearest, halves away from zero; the sum is exact in double precision.
            double multiple = in[start + i] * inverse;
            block[2 + i] = (byte) Math.clamp((int) (multiple + Math.copySign(0.5, multiple)), -127, 127);
        }
    }
}
