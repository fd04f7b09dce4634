package dev.lte.core.quant;

import java.util.Arrays;

/**
 * Encodes Q4_K. Each group of 32 gets the scale and min that keep the weighted square error lowest among those that 22
 * roundings of the group lead to; then these are rounded themselves and the codes follow from what a reader will see. Source:
 * the reference quantiser of ggml.
 */
final class Q4KEncoder implements BlockEncoder {
    private static final int GROUP = 32;
    private static final int GROUPS = SuperBlocks.SIZE / GROUP;
    private static final int LARGEST_CODE = 15;
    private static final int LARGEST_SCALE = 63;

    /** Steps of the search: the range of a group is divided into 14 to 16 parts, each time a tenth more. */
    private static final int STEPS = 20;

    private final float[] weights = new float[GROUP];
    private final int[] codes = new int[GROUP];
    private final float[] scales = new float[GROUPS];

    /** Of what is subtracted: 0 or more. */
    private final float[] mins = new float[GROUPS];

    @Override
    public void encode(float[] in, int start, byte[] block) {
        float largestScale = 0;
        float largestMin = 0;
        for (int group = 0; group < GROUPS; group++) {
            search(in, start + group * GROUP, group);
            largestScale = Math.max(largestScale, scales[group]);
            largestMin = Math.max(largestMin, mins[group]);
        }
        Arrays.fill(block, (byte) 0);
        float scale = BlockBytes.putHalf(block, 0, largestScale / LARGEST_SCALE);
        float min = BlockBytes.putHalf(block, 2, largestMin / LARGEST_SCALE);
        float inverseScale = largestScale > 0 ? LARGEST_SCALE / largestScale : 0;
        float inverseMin = largestMin > 0 ? LARGEST_SCALE / largestMin : 0;
        for (int group = 0; group < GROUPS; group++) {
            int scaleCode = Math.min(LARGEST_SCALE, Rounding.nearest(inverseScale * scales[group]));
            int minCode = Math.min(LARGEST_SCALE, Rounding.nearest(inverseMin * mins[group]));
            PackedScales.put(block, 4, group, scaleCode, minCode);
            float groupScale = scale * scaleCode;
            if (groupScale != 0) {
                writeCodes(in, start + group * GROUP, group, groupScale, min * minCode, block);
            }
        }
    }

    private void writeCodes(float[] in, int from, int group, float scale, float min, byte[] block) {
        int at = 16 + group / 2 * GROUP;
        int shift = group % 2 * 4;
        for (int i = 0; i < GROUP; i++) {
            block[at + i] |= (byte) (code((in[from + i] + min) / scale) << shift);
        }
    }

    private static int code(float multiple) {
        return Math.clamp(Rounding.nearest(multiple), 0, LARGEST_CODE);
    }

    /** Finds {@link #scales} and {@link #mins} of a group. Large values weigh more. */
    private void search(float[] in, int from, int group) {
        float squares = 0;
        for (int i = 0; i < GROUP; i++) {
            squares += in[from + i] * in[from + i];
        }
        float typical = (float) Math.sqrt(squares / GROUP);
        float min = in[from];
        float max = in[from];
        float sumW = 0;
        float sumX = 0;
        for (int i = 0; i < GROUP; i++) {
            float x = in[from + i];
            weights[i] = typical + Math.abs(x);
            min = Math.min(min, x);
            max = Math.max(max, x);
            sumW += weights[i];
            sumX += weights[i] * x;
        }
        min = Math.min(min, 0);
        scales[group] = 0;
        mins[group] = -min;
        if (max == min) {
            return;
        }
        float inverse = LARGEST_CODE / (max - min);
        float scale = 1 / inverse;
        round(in, from, inverse, min);
        float least = error(in, from, scale, min);
        for (int step = 0; step <= STEPS; step++) {
            // From the best min so far, not from that of the values.
            round(in, from, (-1f + 0.1f * step + LARGEST_CODE) / (max - min), min);
            float sumL = 0;
            float sumLL = 0;
            float sumXL = 0;
            for (int i = 0; i < GROUP; i++) {
                sumL += weights[i] * codes[i];
                sumLL += weights[i] * codes[i] * codes[i];
                sumXL += weights[i] * codes[i] * in[from + i];
            }
            // The least squares of x = scale l + min for these codes.
            float determinant = sumW * sumLL - sumL * sumL;
            if (determinant > 0) {
                float newScale = (sumW * sumXL - sumX * sumL) / determinant;
                float newMin = (sumLL * sumX - sumL * sumXL) / determinant;
                if (newMin > 0) {
                    newMin = 0;
                    newScale = sumXL / sumLL;
                }
                float error = error(in, from, newScale, newMin);
                if (error < least) {
                    least = error;
                    scale = newScale;
                    min = newMin;
                }
            }
        }
        scales[group] = scale;
        mins[group] = -min;
    }

    private void round(float[] in, int from, float inverse, float min) {
        for (int i = 0; i < GROUP; i++) {
            codes[i] = code(inverse * (in[from + i] - min));
        }
    }

    private float error(float[] in, int from, float scale, float min) {
        float sum = 0;
        for (int i = 0; i < GROUP; i++) {
            float difference = scale * codes[i] + min - in[from + i];
            sum += weights[i] * (difference * difference);
        }
        return sum;
    }
}
