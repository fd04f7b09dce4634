package dev.lte.core.calibrate;

/**
 * Counts of magnitudes, from which the threshold is read that a given share lies below: calibration of the magnitude sparsifiers
 * TEAL (inputs of a linear map; Liu et al., 2025) and CATS (activations behind the gate; Lee et al., 2024). Any number of values
 * fits in half a megabyte. Not thread-safe; histograms of several threads can be added up.
 */
public final class MagnitudeHistogram {
    /** Bits of a float that make a bin: exponent and seven bits of mantissa, so that bins are at most 0.8 % wide. */
    private static final int SHIFT = 16;

    private final long[] counts = new long[0x7F80 + 1];
    private long total;

    /** @throws IllegalArgumentException if a value is not a number */
    public void add(float value) {
        if (Float.isNaN(value)) {
            throw new IllegalArgumentException("a magnitude that is not a number");
        }
        counts[bin(value)]++;
        total++;
    }

    public void add(float[] values) {
        for (float value : values) {
            add(value);
        }
    }

    public void add(MagnitudeHistogram other) {
        for (int bin = 0; bin < counts.length; bin++) {
            counts[bin] += other.counts[bin];
        }
        total += other.total;
    }

    private static int bin(float value) {
        return Float.floatToRawIntBits(Math.abs(value)) >>> SHIFT;
    }

    /** Values so far. */
    public long total() {
        return total;
    }

    /**
     * The magnitude below which a share of the values lies, exact to the width of a bin (0.8 %).
     *
     * @param share 0 to 1; 0 gives 0
     * @throws IllegalStateException without values
     */
    public float threshold(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("share " + share);
        }
        if (total == 0) {
            throw new IllegalStateException("no values to calibrate with");
        }
        double wanted = share * total;
        if (wanted == 0) {
            return 0;
        }
        double below = 0;
        for (int bin = 0; bin < counts.length; bin++) {
            if (counts[bin] > 0 && below + counts[bin] >= wanted) {
                double inside = (wanted - below) / counts[bin];
                float low = Float.intBitsToFloat(bin << SHIFT);
                float high = Float.intBitsToFloat(Math.min(0x7F80, bin + 1) << SHIFT);
                return Float.isInfinite(high) ? low : (float) (low + inside * (high - low));
            }
            below += counts[bin];
        }
        return Float.POSITIVE_INFINITY;
    }

    /** The share of the values whose magnitude is below a threshold, exact to the values in its bin. */
    public double shareBelow(float threshold) {
        int last = bin(threshold);
        double below = 0;
        for (int bin = 0; bin < last; bin++) {
            below += counts[bin];
        }
        float low = Float.intBitsToFloat(last << SHIFT);
        float high = Float.intBitsToFloat(Math.min(0x7F80, last + 1) << SHIFT);
        double inside = Float.isInfinite(high) || high == low ? 0 : (Math.abs(threshold) - low) / (high - low);
        return total == 0 ? 0 : (below + inside * counts[last]) / total;
    }
}
