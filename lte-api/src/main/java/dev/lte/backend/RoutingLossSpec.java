package dev.lte.backend;

/**
 * Which losses {@link TrainingKernels#routingLoss} computes.
 *
 * @param efficiency which power of a score the efficiency loss is the mean of
 * @param threshold tau, which separability pushes scores away from
 * @param guard added to the squared distance from the threshold, so that the separability loss is at most 1 / guard; above 0
 */
public record RoutingLossSpec(Efficiency efficiency, float threshold, float guard) {
    /** The cost of a score G. */
    public enum Efficiency {
        /** G^2 (LTE, equation 4). */
        SQUARED,
        /** G, whose slope does not vanish with G. */
        LINEAR
    }

    public RoutingLossSpec {
        if (!(guard > 0) || Float.isNaN(threshold)) {
            throw new IllegalArgumentException(
                    "expected a guard above 0 and a threshold, found " + guard + " and " + threshold);
        }
    }
}
