package dev.lte.core.quant;

/**
 * K-quants: blocks of 256 elements in groups, whose small integer scales are multiples of half-precision numbers d and, for
 * the mins, dmin:
 *
 * <pre>
 * Q2_K  s[16] q[64] d dmin       16 groups of 16  x = d (s & 15) q - dmin (s >> 4)
 * Q3_K  h[32] q[64] s[12] d      16 groups of 16  x = d (s - 32) (q - 4)
 * Q4_K  d dmin s[12] q[128]       8 groups of 32  x = d s q - dmin m
 * Q5_K  d dmin s[12] h[32] q[128] 8 groups of 32  x = d s q - dmin m
 * Q6_K  l[128] h[64] s[16] d     16 groups of 16  x = d s (q - 32), s signed
 * </pre>
 *
 * Two-bit codes come in runs of 128 elements: byte i of 32 holds elements i, i + 32, i + 64 and i + 96, the lowest bits
 * first. Four-bit codes come in runs of 64: byte i of 32 holds elements i and i + 32. Bit j of byte i of h belongs to element
 * i + 32 j. In Q6_K a run of 128 has 64 bytes of lower halves, byte i with elements i and i + 64, and 32 bytes of two upper
 * bits. Source: ggml, ggml-quants.c.
 */
final class SuperBlocks {
    static final int SIZE = 256;

    private SuperBlocks() {}

    static void q2k(byte[] in, int blocks, float[] out, int start) {
        for (int block = 0; block < blocks; block++) {
            int at = block * 84;
            int to = start + block * SIZE;
            float scale = BlockBytes.half(in, at + 80);
            float min = BlockBytes.half(in, at + 82);
            for (int group = 0; group < 16; group++) {
                int scales = in[at + group];
                float groupScale = scale * (scales & 15);
                float groupMin = min * (scales >> 4 & 15);
                int codes = at + 16 + group / 8 * 32 + group % 2 * 16;
                int shift = group / 2 % 4 * 2;
                for (int i = 0; i < 16; i++) {
                    out[to + group * 16 + i] = groupScale * (in[codes + i] >> shift & 3) - groupMin;
                }
            }
        }
    }

    static void q3k(byte[] in, int blocks, float[] out, int start) {
        int[] scales = new int[16];
        for (int block = 0; block < blocks; block++) {
            int at = block * 110;
            int to = start + block * SIZE;
            float scale = BlockBytes.half(in, at + 108);
            PackedScales.unpack16(in, at + 96, scales);
            for (int group = 0; group < 16; group++) {
                float groupScale = scale * (scales[group] - 32);
                int high = at + group % 2 * 16;
                int codes = at + 32 + group / 8 * 32 + group % 2 * 16;
                int shift = group / 2 % 4 * 2;
                int bit = group / 2;
                for (int i = 0; i < 16; i++) {
                    int code = (in[codes + i] >> shift & 3) + (in[high + i] >> bit & 1) * 4 - 4;
                    out[to + group * 16 + i] = groupScale * code;
                }
            }
        }
    }

    static void q4k(byte[] in, int blocks, float[] out, int start) {
        for (int block = 0; block < blocks; block++) {
            int at = block * 144;
            int to = start + block * SIZE;
            float scale = BlockBytes.half(in, at);
            float min = BlockBytes.half(in, at + 2);
            for (int group = 0; group < 8; group++) {
                float groupScale = scale * PackedScales.scale(in, at + 4, group);
                float groupMin = min * PackedScales.min(in, at + 4, group);
                int codes = at + 16 + group / 2 * 32;
                int shift = group % 2 * 4;
                for (int i = 0; i < 32; i++) {
                    out[to + group * 32 + i] = groupScale * (in[codes + i] >> shift & 15) - groupMin;
                }
            }
        }
    }

    static void q5k(byte[] in, int blocks, float[] out, int start) {
        for (int block = 0; block < blocks; block++) {
            int at = block * 176;
            int to = start + block * SIZE;
            float scale = BlockBytes.half(in, at);
            float min = BlockBytes.half(in, at + 2);
            for (int group = 0; group < 8; group++) {
                float groupScale = scale * PackedScales.scale(in, at + 4, group);
                float groupMin = min * PackedScales.min(in, at + 4, group);
                int high = at + 16;
                int codes = at + 48 + group / 2 * 32;
                int shift = group % 2 * 4;
                for (int i = 0; i < 32; i++) {
                    int code = (in[codes + i] >> shift & 15) + (in[high + i] >> group & 1) * 16;
                    out[to + group * 32 + i] = groupScale * code - groupMin;
                }
            }
        }
    }

    static void q6k(byte[] in, int blocks, float[] out, int start) {
        for (int block = 0; block < blocks; block++) {
            int at = block * 210;
            int to = start + block * SIZE;
            float scale = BlockBytes.half(in, at + 208);
            for (int group = 0; group < 16; group++) {
                float groupScale = scale * in[at + 192 + group];
                int inRun = group % 8;
                int low = at + group / 8 * 64 + inRun % 4 * 16;
                int lowShift = inRun / 4 * 4;
                int high = at + 128 + group / 8 * 32 + inRun % 2 * 16;
                int highShift = inRun / 2 * 2;
                for (int i = 0; i < 16; i++) {
                    int code = (in[low + i] >> lowShift & 15) + (in[high + i] >> highShift & 3) * 16 - 32;
                    out[to + group * 16 + i] = groupScale * code;
                }
            }
        }
    }
}
