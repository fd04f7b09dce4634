package dev.lte.backend;

/**
 * How the score G of an expert acts on its neurons in {@link TrainingKernels#ffnActivation}.
 *
 * @param mode which factor r the score becomes
 * @param threshold tau; used by {@link Mode#HARD} and {@link Mode#STRAIGHT_THROUGH}, 0 otherwise
 */
public record Gating(Mode mode, float threshold) {
    /** What the factor r of an expert's neurons is. */
    public enum Mode {
        /** r = 1: a dense block, which has no scores. */
        NONE,
        /** r = G (LTE, equation 3). */
        SOFT,
        /** r = 1 if G > threshold, else 0, and no gradient for G (LTE, equation 2). */
        HARD,
        /** As {@link #HARD}, but the gradient of r is passed on to G as if r were G. */
        STRAIGHT_THROUGH
    }

    /** All experts run unscaled. */
    public static final Gating NONE = new Gating(Mode.NONE, 0);

    /** All experts run, scaled by their scores. */
    public static final Gating SOFT = new Gating(Mode.SOFT, 0);

    public Gating {
        boolean hasThreshold = mode == Mode.HARD || mode == Mode.STRAIGHT_THROUGH;
        if (!hasThreshold && threshold != 0 || Float.isNaN(threshold)) {
            throw new IllegalArgumentException("expected a threshold of 0 for " + mode + ", found " + threshold);
        }
    }

    /** Only experts above the threshold run. */
    public static Gating hard(float threshold) {
        return new Gating(Mode.HARD, threshold);
    }

    /** As {@link #hard}, with a gradient for the scores. */
    public static Gating straightThrough(float threshold) {
        return new Gating(Mode.STRAIGHT_THROUGH, threshold);
    }
}
