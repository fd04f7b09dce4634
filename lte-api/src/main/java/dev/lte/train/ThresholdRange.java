package dev.lte.train;

import dev.lte.InvalidRequestException;

/**
 * Thresholds that a stage draws from, one for each step, so that its model serves many settings of the sparsity dial.
 *
 * @param least above 0; most experts run
 * @param most below 1; fewest run
 */
public record ThresholdRange(double least, double most) {
    /** How many thresholds are drawn, evenly spaced, both ends among them. */
    public static final int VALUES = 8;

    public ThresholdRange {
        if (!(least > 0 && least < most && most < 1)) {
            throw new InvalidRequestException(
                    "thresholdRange", "two thresholds between 0 and 1, the smaller first", least + ", " + most);
        }
    }

    /** @param index below {@link #VALUES} */
    public double value(int index) {
        return least + (most - least) * index / (VALUES - 1);
    }
}
