package dev.lte.backend;

/**
 * Which normalisation {@link Kernels#norm} computes.
 *
 * @param kind RMS divides by the root of the mean square; LAYER subtracts the mean first
 * @param epsilon added to the mean square (RMS) or variance (LAYER) under the root
 * @param weightOffset added to every weight before it multiplies: 0, or 1 for models that store {@code weight - 1}
 */
public record NormSpec(Kind kind, float epsilon, float weightOffset) {
    public enum Kind {
        RMS,
        LAYER
    }
}
