package dev.lte.core.quant;

/**
 * Blocks whose four-bit codes stand for the entries of a table:
 *
 * <pre>
 * IQ4_NL  d q[16]             32 elements               x = d T[q]
 * IQ4_XS  d h[2] l[4] q[128]  256, 8 groups of 32       x = d (s - 32) T[q]
 * MXFP4   e q[16]             32 elements, e one byte   x = 2^(e - 128) E[q]
 * </pre>
 *
 * In every run of 32 elements byte i of 16 holds elements i and i + 16. The lower four bits of the six-bit scale s of group g
 * are a half of byte g / 2 of l, the upper two bits 2 g and 2 g + 1 of h. E are twice the numbers of the OCP type E2M1, hence
 * 128 in place of the bias 127. Source: ggml, ggml-common.h and ggml-quants.c; OCP Microscaling Formats 1.0.
 */
final class TableBlocks {
    /** Spaced as weights are: denser near zero. */
    private static final float[] IQ4 = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    /** ggml holds them as integers: the zero of either sign is positive. */
    private static final float[] E2M1_DOUBLED = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private TableBlocks() {}

    static void iq4nl(byte[] in, int blocks, float[] out, int start) {
        for (int block = 0; block < blocks; block++) {
            int at = block * 18;
            look(IQ4, BlockBytes.half(in, at), in, at + 2, out, start + block * 32);
        }
    }

    static void iq4xs(byte[] in, int blocks, float[] out, int start) {
        for (int block = 0; block < blocks; block++) {
            int at = block * 136;
            float scale = BlockBytes.half(in, at);
            int high = BlockBytes.int16(in, at + 2);
            for (int group = 0; group < 8; group++) {
                int low = in[at + 4 + group / 2] >> group % 2 * 4 & 15;
                int groupScale = (low | (high >> 2 * group & 3) << 4) - 32;
                look(IQ4, scale * groupScale, in, at + 8 + group * 16, out, start + block * 256 + group * 32);
            }
        }
    }

    static void mxfp4(byte[] in, int blocks, float[] out, int start) {
        for (int block = 0; block < blocks; block++) {
            int at = block * 17;
            look(E2M1_DOUBLED, powerOfTwo((in[at] & 255) - 128), in, at + 1, out, start + block * 32);
        }
    }

    /** 2 to the power of -128, which is subnormal, to 127. */
    private static float powerOfTwo(int exponent) {
        return exponent < -126 ? Float.intBitsToFloat(1 << exponent + 149) : Float.intBitsToFloat(exponent + 127 << 23);
    }

    private static void look(float[] table, float scale, byte[] in, int codes, float[] out, int to) {
        for (int i = 0; i < 16; i++) {
            int code = in[codes + i];
            out[to + i] = scale * table[code & 15];
            out[to + 16 + i] = scale * table[code >> 4 & 15];
        }
    }
}
