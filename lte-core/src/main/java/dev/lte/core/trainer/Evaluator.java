package dev.lte.core.trainer;

import dev.lte.backend.Gating;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.core.train.Losses;
import dev.lte.core.train.TrainingBatch;
import dev.lte.core.train.TrainingModel;
import dev.lte.train.TrainingEvent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Measures a model in training on a development set, with the experts that it will have when it is served. */
final class Evaluator {
    private final RunData data;
    private final Path file;
    private final int batch;

    /** @param batch sequences that are passed through the model at a time, at most as many as it was made for */
    Evaluator(RunData data, Path file, int batch) {
        this.data = data;
        this.file = file;
        this.batch = batch;
    }

    /** @return an evaluation that is not yet compared with others */
    TrainingEvent.Evaluated evaluate(TrainingModel model, Gating gating, RoutingLossSpec routing, RunState state) {
        int layers = model.config().layers().size();
        boolean classes = model.config().classes() > 0;
        double nats = 0;
        long counted = 0;
        long characters = 0;
        long tokens = 0;
        long right = 0;
        double[] sparsity = new double[layers];
        try (RunData.Steps steps = data.development(file, batch)) {
            for (StepBatches step = steps.next(); step != null; step = steps.next()) {
                for (TrainingBatch pass : step.passes()) {
                    model.clearLosses();
                    model.evaluate(pass, gating, routing);
                    Losses losses = model.losses();
                    nats += losses.task();
                    right += classes ? right(model.logits(), pass) : 0;
                    // Routing weights of a step add up to 1 over its passes.
                    double share = (double) pass.tokens() / step.tokens();
                    for (int layer = 0; layer < layers && gating.mode() != Gating.Mode.NONE; layer++) {
                        double active = 1 - losses.layerSparsity().get(layer);
                        sparsity[layer] += (share - active) * step.tokens();
                    }
                }
                counted += step.counted();
                characters += step.characters();
                tokens += step.tokens();
            }
        }
        List<Double> perLayer = new ArrayList<>();
        for (double sum : sparsity) {
            perLayer.add(tokens == 0 ? 0 : Math.clamp(sum / tokens, 0, 1));
        }
        return new TrainingEvent.Evaluated(
                state.step,
                state.stage,
                counted == 0 ? 0 : nats / counted,
                characters == 0 ? 0 : nats / characters,
                accuracy(classes, right, counted),
                perLayer.stream().mapToDouble(Double::doubleValue).average().orElse(0),
                perLayer,
                false);
    }

    private static @Nullable Double accuracy(boolean classes, long right, long counted) {
        return classes ? (double) right / Math.max(1, counted) : null;
    }

    private static long right(float[] logits, TrainingBatch pass) {
        int classes = logits.length / pass.sequences();
        long right = 0;
        for (int b = 0; b < pass.sequences(); b++) {
            int best = 0;
            for (int c = 1; c < classes; c++) {
                best = logits[b * classes + c] > logits[b * classes + best] ? c : best;
            }
            right += pass.targets()[b] == best ? 1 : 0;
        }
        return right;
    }
}
