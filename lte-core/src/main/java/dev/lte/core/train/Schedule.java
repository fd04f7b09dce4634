package dev.lte.core.train;

import dev.lte.InvalidRequestException;
import dev.lte.train.Decay;

/** A value that changes over the steps of a stage: a learning rate, or the weight of a loss. Immutable. */
public sealed interface Schedule {
    /**
     * @param step from 0
     * @param steps of the stage
     */
    double at(long step, long steps);

    /** The same at every step. */
    record Constant(double value) implements Schedule {
        public Constant {
            check("value", value >= 0 && Double.isFinite(value), "0 or more", value);
        }

        @Override
        public double at(long step, long steps) {
            return value;
        }
    }

    /**
     * 0 at first, then rising in a line towards a value over the last share of the stage.
     *
     * @param value which it would reach at the step behind the last
     * @param share of the steps, above 0, at most 1
     */
    record Ramp(double value, double share) implements Schedule {
        public Ramp {
            check("value", value >= 0 && Double.isFinite(value), "0 or more", value);
            check("share", share > 0 && share <= 1, "above 0, at most 1", share);
        }

        @Override
        public double at(long step, long steps) {
            double progress = (double) step / steps;
            return value * Math.max(0, (progress - (1 - share)) / share);
        }
    }

    /**
     * A rise in equal steps to the peak, which the last step of warm-up has, then decay: 0 would be reached at the step behind
     * the last.
     *
     * @param peak the greatest value
     * @param warmup share of the steps, 0 up to but not 1
     */
    record Warmup(double peak, double warmup, Decay decay) implements Schedule {
        public Warmup {
            check("peak", peak >= 0 && Double.isFinite(peak), "0 or more", peak);
            check("warmup", warmup >= 0 && warmup < 1, "0 up to but not 1", warmup);
        }

        @Override
        public double at(long step, long steps) {
            long rising = (long) Math.ceil(warmup * steps);
            if (step < rising) {
                return peak * (step + 1) / rising;
            }
            double progress = Math.min(1, (double) (step - rising) / Math.max(1, steps - rising));
            return switch (decay) {
                case CONSTANT -> peak;
                case LINEAR -> peak * (1 - progress);
                case COSINE -> peak * 0.5 * (1 + Math.cos(Math.PI * progress));
            };
        }
    }

    private static void check(String option, boolean holds, String expected, double found) {
        if (!holds) {
            throw new InvalidRequestException(option, expected, found);
        }
    }
}
