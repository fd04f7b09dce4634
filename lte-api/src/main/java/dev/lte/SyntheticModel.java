package dev.lte;

/**
 * A model with random weights and a real shape, for benchmarks.
 *
 * @param shape {@code tinyllama-1.1b}, {@code llama-3.2-1b} or {@code llama-2-7b}
 * @param type of all matrices
 * @param layers number of blocks; 0 for the shape's own
 * @param ffnSparsity share of experts that added routers leave off; negative for no routers
 * @param seed of the random numbers
 */
public record SyntheticModel(String shape, WeightType type, int layers, double ffnSparsity, long seed) {
    public SyntheticModel {
        if (layers < 0 || layers > 1000) {
            throw new InvalidRequestException("layers", "0 (the shape's own) to 1000", layers);
        }
        if (!(ffnSparsity < 1)) {
            throw new InvalidRequestException("ffnSparsity", "below 1, negative for no routers", ffnSparsity);
        }
    }
}
