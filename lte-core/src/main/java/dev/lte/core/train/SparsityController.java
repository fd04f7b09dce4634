package dev.lte.core.train;

import dev.lte.InvalidRequestException;

/**
 * Steers eta, the weight of the efficiency loss, during stage 1 so that the share of experts that hard routing would leave off
 * reaches a target. How much sparsity an eta gives differs between models and tasks by more than a factor of ten, but more eta
 * always gives more, after some steps: a proportional-integral controller on the logarithm of eta does.
 *
 * <p>With {@code e = target - smoothed sparsity}, every observation adds {@code gain x (integral x e + proportional x change of
 * e)} to log eta, which stays between its limits (so that it does not wind up while the sparsity cannot follow). The gain begins
 * at 1 and falls each time the sparsity has crossed the target, so that a model that answers strongly or late settles instead of
 * swinging. The integral is meant per horizon, the number of steps in which the target is to be reached; let it end before the
 * separability loss fixes the routing.
 *
 * <p>Deterministic; {@link #state} is all that a checkpoint needs. Not thread-safe.
 */
public final class SparsityController {
    /** What log eta gains over the horizon for a constant error of 1, at full gain. */
    private static final double INTEGRAL = 80;
    /** What log eta gains at once for a change of the error by 1, at full gain. */
    private static final double PROPORTIONAL = 8;
    /** Time constant of smoothing as a share of the horizon. */
    private static final double SMOOTHING = 0.01;
    /** What becomes of the gain at a crossing, from this far on one side of the target to as far on the other. */
    private static final double BACK_OFF = 0.8;

    private static final double CROSSING = 0.02;
    private static final double LEAST_GAIN = 0.02;

    private final Options options;
    private double logEta;
    private double smoothed;
    private double lastError;
    private double gain;
    private int side;
    private long observations;

    /**
     * @param target share of experts off, between 0 and 1
     * @param initialEta at the first step
     * @param minEta lower limit, above 0
     * @param maxEta upper limit
     * @param horizon steps in which the target is to be reached
     */
    public record Options(double target, double initialEta, double minEta, double maxEta, long horizon) {
        public Options {
            if (!(target > 0 && target < 1)) {
                throw new InvalidRequestException("target sparsity", "between 0 and 1", target);
            }
            if (!(minEta > 0 && minEta <= initialEta && initialEta <= maxEta && maxEta < Double.POSITIVE_INFINITY)) {
                String found = minEta + ", " + initialEta + ", " + maxEta;
                throw new InvalidRequestException("eta", "limits above 0 with the initial eta between", found);
            }
            if (horizon < 1) {
                throw new InvalidRequestException("horizon", "1 step or more", horizon);
            }
        }

        /** Begins at 0.3, in the middle of the range that models needed, and stays between 0.001 and 100. */
        public static Options target(double target, long horizon) {
            return new Options(target, 0.3, 1e-3, 100, horizon);
        }
    }

    /** All that changes. */
    public record State(double logEta, double smoothed, double lastError, double gain, int side, long observations) {}

    public SparsityController(Options options) {
        this(options, new State(Math.log(options.initialEta()), 0, 0, 1, 0, 0));
    }

    /** @param state of a controller with the same options */
    public SparsityController(Options options, State state) {
        this.options = options;
        logEta = state.logEta();
        smoothed = state.smoothed();
        lastError = state.lastError();
        gain = state.gain();
        side = state.side();
        observations = state.observations();
    }

    public State state() {
        return new State(logEta, smoothed, lastError, gain, side, observations);
    }

    /** For the next step. */
    public double eta() {
        return Math.exp(logEta);
    }

    /** The sparsity observed, smoothed; 0 before the first observation. */
    public double sparsity() {
        return smoothed;
    }

    /**
     * After a step.
     *
     * @param sparsity share of experts that hard routing would have left off, 0 to 1
     */
    public void observe(double sparsity) {
        if (!(sparsity >= 0 && sparsity <= 1)) {
            throw new IllegalArgumentException("sparsity " + sparsity);
        }
        double weight = Math.max(1 / (1 + SMOOTHING * options.horizon()), 1.0 / (observations + 1));
        smoothed += weight * (sparsity - smoothed);
        double error = options.target() - smoothed;
        int now = error > CROSSING ? 1 : error < -CROSSING ? -1 : 0;
        if (now != 0) {
            if (now == -side) {
                gain = Math.max(LEAST_GAIN, gain * BACK_OFF);
            }
            side = now;
        }
        double change = observations == 0 ? 0 : error - lastError;
        double next = logEta + gain * (INTEGRAL / options.horizon() * error + PROPORTIONAL * change);
        logEta = Math.clamp(next, Math.log(options.minEta()), Math.log(options.maxEta()));
        lastError = error;
        observations++;
    }
}
