package dev.lte.core.train;

import java.util.List;

/**
 * What batches have added up to since the losses were cleared.
 *
 * @param task cross-entropy, in nats
 * @param efficiency mean of the squared scores (LTE, equation 4), or of the scores, over layers
 * @param separability mean of {@code 1 / ((G - tau)^2 + guard)} (LTE, equation 5) over layers
 * @param layerSparsity share of experts whose score is not above the threshold, per layer; 0 where no routing was measured
 */
public record Losses(double task, double efficiency, double separability, List<Double> layerSparsity) {
    public Losses {
        layerSparsity = List.copyOf(layerSparsity);
    }

    /** Over all layers; 0 without layers. */
    public double sparsity() {
        return layerSparsity.stream().mapToDouble(Double::doubleValue).average().orElse(0);
    }
}
