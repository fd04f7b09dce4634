package dev.lte.core.trainer;

import dev.lte.backend.Gating;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.core.train.TrainingBatch;
import dev.lte.core.train.TrainingModel;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds the threshold at which a model in training leaves out a given share of its experts, run as it will be served. More threshold
 * gives more sparsity, at once and whatever the recipe; so what steering eta has left over is made good here.
 */
final class ThresholdCalibration {
    /** Of data that sparsity is measured on. */
    private static final long TOKENS = 8_192;

    private static final int MEASUREMENTS = 12;
    private static final double TOLERANCE = 0.0025;
    /** Farther from where scores were driven apart they lie close together, and a threshold among them does not hold. */
    private static final double FARTHEST = 0.15;

    private final TrainingModel model;
    private final RoutingLossSpec.Efficiency efficiency;
    private final float guard;
    private final List<TrainingBatch> passes = new ArrayList<>();
    /** What the weights of all passes add up to. */
    private int steps;

    /**
     * @param data begins where training began; stays the caller's
     * @param most steps of it that are used, so that this takes little beside the stage
     */
    ThresholdCalibration(TrainingModel model, RoutingLossSpec losses, RunData.Steps data, long most) {
        this.model = model;
        efficiency = losses.efficiency();
        guard = losses.guard();
        long tokens = 0;
        for (StepBatches step = data.next(); step != null; step = data.next()) {
            passes.addAll(step.passes());
            tokens += step.tokens();
            steps++;
            if (tokens >= TOKENS || steps >= most) {
                break;
            }
        }
    }

    /**
     * @param target share of experts off
     * @param begin the threshold so far, which stays if it is right
     * @param center where scores were driven apart
     * @return the threshold near the center that comes nearest
     */
    float find(double target, float begin, float center) {
        double low = Math.max(0, center - FARTHEST);
        double high = Math.min(1, center + FARTHEST);
        float best = begin;
        double least = Double.POSITIVE_INFINITY;
        float threshold = begin;
        for (int i = 0; i < MEASUREMENTS && least > TOLERANCE; i++) {
            double error = sparsity(threshold) - target;
            if (Math.abs(error) < least) {
                least = Math.abs(error);
                best = threshold;
            }
            if (error < 0) {
                low = threshold;
            } else {
                high = threshold;
            }
            threshold = (float) ((low + high) / 2);
        }
        return best;
    }

    /** Share of experts off at a threshold. */
    double sparsity(float threshold) {
        RoutingLossSpec counting = new RoutingLossSpec(efficiency, threshold, guard);
        model.clearLosses();
        for (TrainingBatch pass : passes) {
            model.evaluateOnce(pass, Gating.hard(threshold), counting);
        }
        double active = model.losses().layerSparsity().stream()
                .mapToDouble(share -> 1 - share)
                .average()
                .orElseThrow();
        return 1 - active / steps;
    }
}
