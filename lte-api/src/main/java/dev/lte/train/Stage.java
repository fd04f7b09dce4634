package dev.lte.train;

import dev.lte.InvalidRequestException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** One stage of a {@link TrainingPlan}: what is trained, for how long, and how fast. Immutable. */
public final class Stage {
    /** How experts act. */
    public enum Routing {
        /** There are none: the model is fine-tuned as it is. */
        DENSE,
        /** Routers learn, by a {@link Recipe}. */
        LEARNED,
        /** Routers are frozen; experts above the threshold run, and the rest of the model adapts. */
        HARD
    }

    private final Routing routing;
    private final @Nullable Recipe recipe;
    private final long steps;
    private final double epochs;
    private final int batch;
    private final double rate;
    private final double routerRate;
    private final double warmup;
    private final Decay decay;
    private final double weightDecay;
    private final double routerWeightDecay;
    private final double clip;
    private final double eta;
    private final double targetSparsity;
    private final double lambda;
    private final double lambdaRamp;
    private final @Nullable ThresholdRange thresholdRange;
    private final double distillation;

    private Stage(Builder builder) {
        routing = builder.routing;
        recipe = builder.recipe;
        steps = builder.steps;
        epochs = builder.epochs;
        batch = builder.batch;
        rate = builder.rate;
        routerRate = builder.routerRate;
        warmup = builder.warmup;
        decay = builder.decay;
        weightDecay = builder.weightDecay;
        routerWeightDecay = builder.routerWeightDecay;
        clip = builder.clip;
        eta = builder.eta;
        targetSparsity = builder.targetSparsity;
        lambda = builder.lambda;
        lambdaRamp = builder.lambdaRamp;
        thresholdRange = builder.thresholdRange;
        distillation = builder.distillation;
    }

    /** Fine-tunes the model as it is, or trains a new one (stage 0). */
    public static Stage dense(Consumer<Builder> description) {
        return of(Routing.DENSE, null, description);
    }

    /** Trains routers and model together (stage 1). */
    public static Stage learned(Recipe recipe, Consumer<Builder> description) {
        return of(Routing.LEARNED, recipe, description);
    }

    /** As {@link #learned(Recipe, Consumer)} by {@link Recipe#DEFAULT}. */
    public static Stage learned(Consumer<Builder> description) {
        return learned(Recipe.DEFAULT, description);
    }

    /** Freezes routers and trains the model with the experts that it will have (stage 2). */
    public static Stage hard(Consumer<Builder> description) {
        return of(Routing.HARD, null, description);
    }

    private static Stage of(Routing routing, @Nullable Recipe recipe, Consumer<Builder> description) {
        Builder builder = new Builder(routing, recipe);
        description.accept(builder);
        Builder.require(
                builder.steps > 0 != builder.epochs > 0, "steps", "steps or epochs, one of them", "both or none");
        Builder.require(
                recipe != Recipe.NOISY_TOP_K || builder.targetSparsity > 0,
                "targetSparsity",
                "between 0 and 1 for NOISY_TOP_K, where it is the share of experts that do not run",
                "none");
        return new Stage(builder);
    }

    public Routing routing() {
        return routing;
    }

    /** Of stage 1 only. */
    public @Nullable Recipe recipe() {
        return recipe;
    }

    /** 0 if {@link #epochs} counts. */
    public long steps() {
        return steps;
    }

    /** 0 if {@link #steps} counts. */
    public double epochs() {
        return epochs;
    }

    public int batch() {
        return batch;
    }

    public double rate() {
        return rate;
    }

    public double routerRate() {
        return routerRate;
    }

    public double warmup() {
        return warmup;
    }

    public Decay decay() {
        return decay;
    }

    public double weightDecay() {
        return weightDecay;
    }

    public double routerWeightDecay() {
        return routerWeightDecay;
    }

    public double clip() {
        return clip;
    }

    /** Counts if {@link #targetSparsity} is 0. */
    public double eta() {
        return eta;
    }

    /** 0 for none. */
    public double targetSparsity() {
        return targetSparsity;
    }

    public double lambda() {
        return lambda;
    }

    /** The last share of the stage over which lambda rises from 0; 0 for a constant. */
    public double lambdaRamp() {
        return lambdaRamp;
    }

    /** Null where experts run above the model's own threshold. */
    public @Nullable ThresholdRange thresholdRange() {
        return thresholdRange;
    }

    /** 0 where nothing is learnt from the dense model. */
    public double distillation() {
        return distillation;
    }

    /** Not thread-safe. */
    public static final class Builder {
        private final Routing routing;
        private final @Nullable Recipe recipe;
        private long steps;
        private double epochs;
        private int batch = 32;
        private double rate;
        private double routerRate = 1e-2;
        private double warmup = 0.06;
        private Decay decay = Decay.COSINE;
        private double weightDecay;
        private double routerWeightDecay = 0.1;
        private double clip = 1;
        private double eta = 0.3;
        private double targetSparsity;
        private double lambda;
        private double lambdaRamp;
        private @Nullable ThresholdRange thresholdRange;
        private double distillation;

        private Builder(Routing routing, @Nullable Recipe recipe) {
            this.routing = routing;
            this.recipe = recipe;
            rate = 5e-5;
            lambda = recipe == null ? 0 : recipe.lambda();
            lambdaRamp = recipe == null ? 0 : recipe.ramp();
        }

        /** Optimiser steps. */
        public Builder steps(long count) {
            require(count > 0, "steps", "1 or more", count);
            steps = count;
            return this;
        }

        /** Passes over the training data, instead of {@link #steps}. */
        public Builder epochs(double count) {
            require(count > 0 && count <= 1e6, "epochs", "above 0", count);
            epochs = count;
            return this;
        }

        /** Sequences for each step, 32 by default. They are passed through the model in as many parts as memory needs. */
        public Builder batch(int sequences) {
            require(sequences > 0 && sequences <= 1 << 20, "batch", "1 or more", sequences);
            batch = sequences;
            return this;
        }

        /** The learning rate at its peak, 5e-5 by default, as suits the fine-tuning of a model of some 100M parameters. */
        public Builder rate(double peak) {
            require(peak > 0 && peak <= 10, "rate", "above 0", peak);
            rate = peak;
            return this;
        }

        /** The same for routers, which learn faster: 0.01 by default. */
        public Builder routerRate(double peak) {
            requireLearned("routerRate");
            require(peak > 0 && peak <= 10, "routerRate", "above 0", peak);
            routerRate = peak;
            return this;
        }

        /** Share of the steps in which rates rise to their peak, 0.06 by default. */
        public Builder warmup(double share) {
            require(share >= 0 && share < 1, "warmup", "0 up to but not 1", share);
            warmup = share;
            return this;
        }

        /** What becomes of rates after warm-up, {@link Decay#COSINE} by default. */
        public Builder decay(Decay shape) {
            decay = shape;
            return this;
        }

        /** Of AdamW, 0 by default. */
        public Builder weightDecay(double value) {
            require(value >= 0 && value <= 10, "weightDecay", "0 or more", value);
            weightDecay = value;
            return this;
        }

        /** The same for routers, 0.1 by default: their weights grow without end otherwise. */
        public Builder routerWeightDecay(double value) {
            requireLearned("routerWeightDecay");
            require(value >= 0 && value <= 10, "routerWeightDecay", "0 or more", value);
            routerWeightDecay = value;
            return this;
        }

        /** Norm to which gradients are clipped, those of model and routers each by themselves; 1 by default, infinite for none. */
        public Builder clip(double norm) {
            require(norm > 0, "clip", "above 0", norm);
            clip = norm;
            return this;
        }

        /** Weight of the efficiency loss: more of it gives more sparsity. 0.3 by default. */
        public Builder eta(double weight) {
            requireLosses("eta");
            require(weight >= 0 && weight <= 1e4, "eta", "0 or more", weight);
            eta = weight;
            targetSparsity = 0;
            return this;
        }

        /**
         * The share of FFN neurons that is to be skipped. Eta, where it stands, is the first guess and is steered to reach it; what is
         * left over when the stage ends, the threshold makes good.
         */
        public Builder targetSparsity(double share) {
            requireLearned("targetSparsity");
            require(share > 0 && share < 1, "targetSparsity", "between 0 and 1", share);
            targetSparsity = share;
            return this;
        }

        /** Weight of the separability loss, instead of the recipe's. */
        public Builder lambda(double weight) {
            requireLosses("lambda");
            require(weight >= 0 && weight <= 1e4, "lambda", "0 or more", weight);
            lambda = weight;
            return this;
        }

        /** The last share of the stage over which lambda rises from 0, instead of the recipe's; 0 for a constant lambda. */
        public Builder lambdaRamp(double share) {
            requireLosses("lambdaRamp");
            require(share >= 0 && share <= 1, "lambdaRamp", "0 to 1", share);
            lambdaRamp = share;
            return this;
        }

        /**
         * Runs the experts of each step above a threshold that is drawn for it, instead of the model's own, so that the model can be
         * dialled: each setting of the range is learnt as much as the others, and the model's own a little less than if it were the
         * only one. All else goes by the model's own threshold: losses of routing, what is reported and steered, evaluation. For
         * stages in which experts are on or off, which are hard ones and those by {@link Recipe#STRAIGHT_THROUGH}.
         */
        public Builder thresholdRange(double least, double most) {
            require(
                    routing == Routing.HARD || recipe == Recipe.STRAIGHT_THROUGH,
                    "thresholdRange",
                    "a hard stage, or one by STRAIGHT_THROUGH",
                    recipe == null ? routing : recipe);
            thresholdRange = new ThresholdRange(least, most);
            return this;
        }

        /**
         * Weight of what is learnt from the dense model, as it was before it got its routers: the Kullback-Leibler divergence of the
         * predictions from its own, beside the loss of the task; 0 (the default) for none. For routed stages of plans that begin with a
         * dense model. The dense model runs with every batch and stays in memory as a second model in training.
         */
        public Builder distillation(double weight) {
            require(routing != Routing.DENSE, "distillation", "a stage with routing", routing);
            require(weight >= 0 && weight <= 1e4, "distillation", "0 or more", weight);
            distillation = weight;
            return this;
        }

        private void requireLosses(String option) {
            requireLearned(option);
            require(recipe != Recipe.NOISY_TOP_K, option, "a recipe with losses of routing", Recipe.NOISY_TOP_K);
        }

        private void requireLearned(String option) {
            require(recipe != null, option, "a stage in which routers learn", routing);
        }

        private static void require(boolean holds, String option, String expected, Object found) {
            if (!holds) {
                throw new InvalidRequestException(option, expected, found);
            }
        }
    }
}
