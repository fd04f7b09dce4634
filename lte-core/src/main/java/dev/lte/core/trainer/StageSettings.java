package dev.lte.core.trainer;

import dev.lte.backend.Gating;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.core.train.Schedule;
import dev.lte.core.train.SparsityController;
import dev.lte.train.Recipe;
import dev.lte.train.Stage;
import dev.lte.train.ThresholdRange;
import dev.lte.train.TrainingPlan;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A stage in terms of kernels and schedules.
 *
 * @param steps in all
 * @param gating how experts act in training
 * @param served how they will act when the model is served
 * @param routing the losses of routing
 * @param lambda over the stage
 * @param target how eta is steered, or null
 */
record StageSettings(
        Stage stage,
        long steps,
        Gating gating,
        Gating served,
        RoutingLossSpec routing,
        Schedule rate,
        Schedule routerRate,
        Schedule lambda,
        SparsityController.@Nullable Options target) {
    /** An encoder that classifies hardly misses its FFNs: on SST-2 even 0.001 left out 94 % of them. */
    private static final double LEAST_ETA = 1e-5;

    private static final double MOST_ETA = 100;
    /** Of a stage without a ramp, the share in which eta is to reach the target. */
    private static final double HORIZON = 0.6;

    /** @param threshold above which experts run */
    static StageSettings of(TrainingPlan plan, Stage stage, long steps, float threshold) {
        Recipe recipe = stage.recipe();
        boolean topK = recipe == Recipe.NOISY_TOP_K;
        Gating hard = Gating.hard(threshold);
        Gating gating = switch (stage.routing()) {
            case DENSE -> Gating.NONE;
            case HARD -> hard;
            case LEARNED -> recipe == null || recipe.isSoft() ? Gating.SOFT : Gating.straightThrough(threshold);
        };
        boolean squared = recipe == null || recipe.isSquared();
        RoutingLossSpec routing = new RoutingLossSpec(
                squared ? RoutingLossSpec.Efficiency.SQUARED : RoutingLossSpec.Efficiency.LINEAR,
                // An expert that does not run has the score 0.
                topK ? 0 : threshold,
                (float) plan.guard());
        return new StageSettings(
                stage,
                steps,
                gating,
                stage.routing() == Stage.Routing.DENSE ? Gating.NONE : topK ? Gating.SOFT : hard,
                routing,
                schedule(stage, stage.rate()),
                schedule(stage, stage.routerRate()),
                stage.lambdaRamp() > 0
                        ? new Schedule.Ramp(stage.lambda(), stage.lambdaRamp())
                        : new Schedule.Constant(stage.lambda()),
                target(stage, steps));
    }

    private static Schedule schedule(Stage stage, double peak) {
        return new Schedule.Warmup(peak, stage.warmup(), stage.decay());
    }

    /** Eta reaches the target before the separability loss, if it rises at the end, fixes which experts run. */
    private static SparsityController.@Nullable Options target(Stage stage, long steps) {
        if (stage.targetSparsity() == 0 || stage.recipe() == Recipe.NOISY_TOP_K) {
            return null;
        }
        double share = stage.lambdaRamp() > 0 && stage.lambdaRamp() < 1 ? 1 - stage.lambdaRamp() : HORIZON;
        return new SparsityController.Options(
                stage.targetSparsity(),
                Math.clamp(stage.eta(), LEAST_ETA, MOST_ETA),
                LEAST_ETA,
                MOST_ETA,
                Math.max(1, Math.round(share * steps)));
    }

    /**
     * How experts act in a step: as {@link #gating} says, or at a threshold that is drawn for it alone, so that a run that is resumed
     * draws the same.
     */
    Gating gatingAt(long seed, long stageStep) {
        ThresholdRange range = stage.thresholdRange();
        if (range == null) {
            return gating;
        }
        int index = new SplittableRandom((seed << 40) + stageStep).nextInt(ThresholdRange.VALUES);
        return new Gating(gating.mode(), (float) range.value(index));
    }

    /**
     * Whether eta has a say at a step: a separability loss that rises fixes which experts run, long before it has reached its
     * weight.
     */
    boolean steers(long stageStep) {
        boolean rises = stage.lambdaRamp() > 0 && stage.lambdaRamp() < 1;
        return target != null && !(rises && lambda.at(stageStep, steps) > 0);
    }

    /** Of the efficiency loss at every step, where it is not steered. */
    double eta() {
        return learnsRouting() && stage.recipe() != Recipe.NOISY_TOP_K ? stage.eta() : 0;
    }

    boolean learnsRouting() {
        return stage.routing() == Stage.Routing.LEARNED;
    }

    boolean isRouted() {
        return stage.routing() != Stage.Routing.DENSE;
    }
}
