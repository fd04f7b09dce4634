package dev.lte;

import java.util.List;

/**
 * The share of FFN neurons that were skipped, measured: 1 - active (expert, token) pairs / all pairs.
 *
 * @param mean over tokens and layers; 0 for a model without routers
 * @param perLayer over tokens, for each layer
 * @param tokens how many tokens it was measured over, prompt tokens included
 */
public record SparsityReport(double mean, List<Double> perLayer, long tokens) {
    public SparsityReport {
        perLayer = List.copyOf(perLayer);
    }
}
