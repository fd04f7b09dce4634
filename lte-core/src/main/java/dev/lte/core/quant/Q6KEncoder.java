package dev.lte.core.quant;

import java.util.Arrays;

/**
 * Encodes Q6_K. Each group of 16 gets the scale, of either sign, that keeps the square error weighted by the squares of the
 * values lowest among those that 19 roundings of the group lead to; then the scale is rounded itself and the codes follow from
 * what a reader will see. Source: the reference quantiser of ggml.
 */
final class Q6KEncoder implements BlockEncoder {
    private static final int GROUP = 16;
    private static final int GROUPS = SuperBlocks.SIZE / GROUP;
    private static final int BIAS = 32;

    /** Groups of smaller values than this are zero. */
    private static final float NOTHING = 1e-15f;

    /** From 0 to 63, by element. */
    private final int[] codes = new int[SuperBlocks.SIZE];

    private final float[] scales = new float[GROUPS];

    @Override
    public void encode(float[] in, int start, byte[] block) {
        Arrays.fill(block, (byte) 0);
        float largest = 0;
        for (int group = 0; group < GROUPS; group++) {
            scales[group] = search(in, start + group * GROUP, group * GROUP);
            if (!Float.isFinite(scales[group])) {
                throw BlockBytes.tooLarge(scales[group]);
            }
            if (Math.abs(scales[group]) > Math.abs(largest)) {
                largest = scales[group];
            }
        }
        if (Math.abs(largest) < NOTHING) {
            return;
        }
        float inverse = -128 / largest;
        float scale = BlockBytes.putHalf(block, 208, 1 / inverse);
        for (int group = 0; group < GROUPS; group++) {
            int scaleCode = Math.min(127, Rounding.nearest(inverse * scales[group]));
            block[192 + group] = (byte) scaleCode;
            float groupScale = scale * scaleCode;
            if (groupScale != 0) {
                for (int i = 0; i < GROUP; i++) {
                    int at = group * GROUP + i;
                    codes[at] = code(in[start + at] / groupScale) + BIAS;
                }
            }
        }
        writeCodes(block);
    }

    private static int code(float multiple) {
        return Math.clamp(Rounding.nearest(multiple), -BIAS, BIAS - 1);
    }

    private void writeCodes(byte[] block) {
        for (int run = 0; run < 2; run++) {
            int from = run * 128;
            for (int i = 0; i < 64; i++) {
                block[run * 64 + i] = (byte) (codes[from + i] & 15 | (codes[from + 64 + i] & 15) << 4);
            }
            for (int i = 0; i < 32; i++) {
                block[128 + run * 32 + i] = (byte) (codes[from + i] >> 4
                        | codes[from + 32 + i] >> 4 << 2
                        | codes[from + 64 + i] >> 4 << 4
                        | codes[from + 96 + i] >> 4 << 6);
            }
        }
    }

    /**
     * Finds the scale of a group, and its codes, which stay if the scale is rounded to zero. With codes l and weights w = x^2
     * the best scale is sum(w x l) / sum(w l^2), and the error falls as sum(w x l)^2 / sum(w l^2) grows.
     */
    private float search(float[] in, int from, int to) {
        float largest = 0;
        for (int i = 0; i < GROUP; i++) {
            if (Math.abs(in[from + i]) > Math.abs(largest)) {
                largest = in[from + i];
            }
        }
        if (Math.abs(largest) < NOTHING) {
            Arrays.fill(codes, to, to + GROUP, 0);
            return 0;
        }
        float scale = 0;
        float best = 0;
        for (int attempt = 0; attempt < 19; attempt++) {
            // The plain rounding first, then those of -31.1 to -32.9 parts.
            int step = attempt == 0 ? 0 : attempt <= 9 ? attempt - 10 : attempt - 9;
            float inverse = -(BIAS + 0.1f * step) / largest;
            float sumXL = 0;
            float sumLL = 0;
            for (int i = 0; i < GROUP; i++) {
                float x = in[from + i];
                int code = code(inverse * x);
                float weight = x * x;
                sumXL += weight * x * code;
                sumLL += weight * code * code;
            }
            boolean first = attempt == 0;
            if (first || sumLL > 0 && sumXL * sumXL > best * sumLL) {
                scale = sumLL == 0 ? 0 : sumXL / sumLL;
                best = scale * sumXL;
                for (int i = 0; i < GROUP; i++) {
                    codes[to + i] = code(inverse * in[from + i]) + BIAS;
                }
            }
        }
        return scale;
    }
}
