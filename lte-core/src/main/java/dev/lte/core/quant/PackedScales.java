package dev.lte.core.quant;

/**
 * Six-bit scales of K-quants in 12 bytes. Q4_K and Q5_K pack 8 scales and 8 mins: groups 0 to 3 have the lower six bits of
 * bytes 0 to 3 (scales) and 4 to 7 (mins); groups 4 to 7 have their lower four bits in the halves of bytes 8 to 11 and their
 * upper two at the top of those earlier bytes. Q3_K packs 16 scales: lower four bits in the halves of bytes 0 to 7, the upper
 * two of scale i in byte 8 + i % 4 from bit i / 4 * 2 on.
 */
final class PackedScales {
    static final int BYTES = 12;

    private PackedScales() {}

    static int scale(byte[] in, int at, int group) {
        return group < 4 ? in[at + group] & 63 : in[at + group + 4] & 15 | (in[at + group - 4] >> 6 & 3) << 4;
    }

    static int min(byte[] in, int at, int group) {
        return group < 4 ? in[at + group + 4] & 63 : in[at + group + 4] >> 4 & 15 | (in[at + group] >> 6 & 3) << 4;
    }

    /** Adds a scale and a min of six bits each to bytes that were zero. */
    static void put(byte[] out, int at, int group, int scale, int min) {
        if (group < 4) {
            out[at + group] |= (byte) scale;
            out[at + group + 4] |= (byte) min;
        } else {
            out[at + group + 4] |= (byte) (scale & 15 | (min & 15) << 4);
            out[at + group - 4] |= (byte) (scale >> 4 << 6);
            out[at + group] |= (byte) (min >> 4 << 6);
        }
    }

    /** The 16 scales of Q3_K, from 0 to 63. */
    static void unpack16(byte[] in, int at, int[] scales) {
        for (int i = 0; i < 16; i++) {
            int low = in[at + i % 8] >> i / 8 * 4 & 15;
            int high = in[at + 8 + i % 4] >> i / 4 * 2 & 3;
            scales[i] = low | high << 4;
        }
    }
}
