package dev.lte.cpu;

import static dev.lte.cpu.Lanes.WIDE;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Activations as whole numbers between -127 and 127, {@value #BLOCK} to a scale, for products with quantised weights. A block's
 * sum of products is a whole number below 2^24: integers and floats both hold it exactly, so one token multiplied in integers and
 * many multiplied as floats have the same bits.
 */
final class RoundedRows {
    static final int BLOCK = 32;

    /** Added and taken off again, it rounds floats of small magnitude to whole numbers. */
    private static final float ROUND = 0x1.8p23f;

    /** Blocks of nothing larger become zeros: the reciprocal of their scale would be infinite. */
    private static final float LEAST = 0x1p-100f;

    private RoundedRows() {}

    /** Floats that {@link #round} makes of k activations. */
    static int length(int k) {
        return k + k / BLOCK;
    }

    /**
     * @param out receives k whole numbers, then the scale of each block
     */
    static void round(float[] x, int xStart, int k, float[] out, int outStart) {
        for (int b = 0; b < k / BLOCK; b++) {
            int from = xStart + b * BLOCK;
            float largest = largest(x, from);
            float inverse = largest < LEAST ? 0 : 127 / largest;
            scale(x, from, inverse, out, outStart + b * BLOCK);
            out[outStart + k + b] = largest < LEAST ? 0 : largest / 127;
        }
    }

    private static float largest(float[] x, int from) {
        FloatVector largest = FloatVector.zero(WIDE);
        for (int c = 0; c < BLOCK; c += WIDE.length()) {
            largest = largest.max(FloatVector.fromArray(WIDE, x, from + c).abs());
        }
        return largest.reduceLanes(VectorOperators.MAX);
    }

    private static void scale(float[] x, int from, float factor, float[] out, int to) {
        for (int c = 0; c < BLOCK; c += WIDE.length()) {
            FloatVector.fromArray(WIDE, x, from + c).mul(factor).add(ROUND).sub(ROUND).intoArray(out, to + c);
        }
    }

    /** Two whole numbers as the halves of an int, a in the lower one. */
    static int pair(float a, float b) {
        return (int) a & 0xffff | (int) b << 16;
    }
}
