package dev.lte.train;

/**
 * How routers learn in stage 1: how scores act on experts, and what is added to the loss of the task. G is a score, tau the
 * threshold (LTE, equations 3 to 6).
 */
public enum Recipe {
    /**
     * Experts are on or off as they will be in the end, with the gradient of G passed straight through; {@code eta * mean(G)}.
     * The default: the model that learns is the model that is served, so that the sparsity of this stage stays.
     */
    STRAIGHT_THROUGH(false, 0, 0, false),
    /**
     * Experts are scaled by G; {@code eta * mean(G^2)} all the time, and {@code lambda * mean(1 / ((G - tau)^2 + guard))} with
     * lambda rising from 0 to 0.5 over the last 40 % of the stage: scores first find their side of tau, then are driven away
     * from it.
     */
    RAMP(true, 0.5, 0.4, true),
    /** As {@link #RAMP} with lambda = 0.001 all the time, too little to hold scores on the side where they began. */
    SMALL_LAMBDA(true, 1e-3, 0, true),
    /**
     * The paper to the letter, lambda = 0.5 from the first step. On small models nearly every score stays on the side of tau
     * where it began, whatever eta is.
     */
    PAPER(true, 0.5, 0, true);

    private final boolean soft;
    private final double lambda;
    private final double ramp;
    private final boolean squared;

    Recipe(boolean soft, double lambda, double ramp, boolean squared) {
        this.soft = soft;
        this.lambda = lambda;
        this.ramp = ramp;
        this.squared = squared;
    }

    /** Whether experts are scaled by their scores, rather than on or off. */
    public boolean isSoft() {
        return soft;
    }

    /** The weight of the separability loss that {@link Stage.Builder#lambda} replaces. */
    public double lambda() {
        return lambda;
    }

    /** The last share of the stage over which lambda rises from 0; 0 for a constant. */
    public double ramp() {
        return ramp;
    }

    /** Whether the efficiency loss is the mean of squared scores, rather than of scores. */
    public boolean isSquared() {
        return squared;
    }
}
