package dev.lte.train;

/**
 * How routers learn in stage 1: how scores act on experts, and what is added to the loss of the task. G is a score, tau the
 * threshold (LTE, equations 3 to 6).
 */
public enum Recipe {
    /**
     * Experts are on or off as they will be in the end, with the gradient of G passed straight through; {@code eta * mean(G)}.
     * The model that learns is the model that is served, so that nothing is lost between the stages.
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
    PAPER(true, 0.5, 0, true),
    /**
     * Noisy top-k softmax routers (Shazeer et al., 2017), which learn with the model: the baseline of which the paper shows why it
     * fails. The target alone says how many experts run, the same number for every token; scaled by k times their share of the
     * softmax, in training and after it, so that no hard stage follows. The model can be evaluated, and is not served.
     */
    NOISY_TOP_K(true, 0, 0, true);

    /** What lost least at the same sparsity and follows a target best; {@code docs/training.md} has the figures. */
    public static final Recipe DEFAULT = STRAIGHT_THROUGH;

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
