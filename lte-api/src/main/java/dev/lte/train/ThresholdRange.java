package dev.lte.train;

import dev.lte.InvalidRequestException;

/**
 * Thresholds that a stage draws from, one for each step, so that its model serves many settings of the sparsity dial. Their
 * logits are evenly spaced: scores are sigmoids, most of them close to 0 or to 1, where the dial has most to tell apart.
 *
 * @param least above 0; most experts run
 * @param most below 1; fewest run
 */
public record ThresholdRange(double least, double most) {
    /** How many thresholds are drawn from, both ends among them. */
    public static final int VALUES = 8;

    /** @throws InvalidRequestException if the two are not in order, or not between 0 and 1 */
    public ThresholdRange {
        if (!(least > 0 && least < most && most < 1)) {
            throw new InvalidRequestException(
                    "thresholdRange", "two thresholds between 0 and 1, the smaller first", least + ", " + most);
        }
    }

    /** @param index below {@link #VALUES} */
    public double value(int index) {
        double low = logit(least);
        double logit = low + (logit(most) - low) * index / (VALUES - 1);
        return 1 / (1 + Math.exp(-logit));
    }

    private static double logit(double threshold) {
        return Math.log(threshold / (1 - threshold));
    }
}
