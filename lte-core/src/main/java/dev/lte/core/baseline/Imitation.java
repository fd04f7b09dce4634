package dev.lte.core.baseline;

import dev.lte.InvalidRequestException;
import dev.lte.PostHocRouting;
import dev.lte.PostHocRouting.Method;
import dev.lte.Progress;
import dev.lte.SparsifyReport;
import dev.lte.core.calibrate.ExpertScores;
import dev.lte.core.calibrate.RouterRegression;
import dev.lte.core.calibrate.RouterSample;
import dev.lte.core.eval.Likelihood;
import dev.lte.core.eval.ScoredSequence;
import dev.lte.core.sparse.Grouping;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * A {@link PostHocRouting} in the form that can be served: experts with a linear router and one threshold. A method chooses neurons,
 * or the same number for every token, or looks at what it leaves out; so routers are fitted to what it looks at, and {@link #compare}
 * says how far they choose alike.
 */
final class Imitation {
    private static final double RIDGE = 0.01;

    private final PostHocRouting routing;
    private final Observation observation;
    private final MethodCalibration method;
    private final List<FfnMask.Rule> rules;

    /**
     * Calibrates the method itself.
     *
     * @param routing one that {@link #requireServable} lets pass
     */
    Imitation(PostHocRouting routing, Observation observation, List<ScoredSequence> text, Consumer<Progress> progress) {
        this.routing = routing;
        this.observation = observation;
        method = new MethodCalibration(routing, observation, () -> text, progress);
        rules = method.rules();
    }

    /** @throws InvalidRequestException with the reason, if no router can stand for the method */
    static void requireServable(Method method) {
        String reason = switch (method) {
            case LARGEST_ACTIVATIONS, LARGEST_EXPERTS -> "is an oracle, which computes what it leaves out";
            case NOISY_TOP_K ->
                "scales experts by a softmax over those that run, which neither model files nor kernels have";
            case MOEFICATION, DEJA_VU, MAGNITUDE -> null;
        };
        if (reason != null) {
            throw new InvalidRequestException(
                    "method", "MOEFICATION, DEJA_VU or MAGNITUDE, or none for LTE's own", method + ", which " + reason);
        }
    }

    /** Experts of similar weights; one grouping a layer. */
    List<Grouping> groupings() {
        return method.groupings();
    }

    /** What the method looks at, summed over the neurons of each expert; one a layer. */
    List<UnitScores> scores() {
        int width = observation.config().ffn();
        boolean gates = routing.method() == Method.MAGNITUDE;
        return groupings().stream()
                .map(grouping -> new ExpertScores(grouping, null))
                .<UnitScores>map(scores -> (activations, row) ->
                        scores.of(gates ? MethodCalibration.gates(activations, row, width) : activations.hiddenOf(row)))
                .toList();
    }

    /**
     * Routers, before they are moved to a sparsity: the method's own predictor where it has one, that of a neuron averaged over the
     * neurons of an expert, else fitted to the scores.
     *
     * @param samples with {@link #scores}
     * @return (N, D) of each layer
     */
    List<float[]> routers(List<RouterSample> samples) {
        return switch (routing.method()) {
            case MOEFICATION -> method.predictors();
            case DEJA_VU ->
                IntStream.range(0, samples.size()).mapToObj(this::pooled).toList();
            default ->
                samples.stream()
                        .map(sample -> RouterRegression.fitTo(sample, routing.sparsity(), RIDGE))
                        .toList();
        };
    }

    private float[] pooled(int layer) {
        Grouping grouping = groupings().get(layer);
        float[] predictor = method.predictors().get(layer);
        int model = observation.config().model();
        float[] router = new float[grouping.experts() * model];
        for (int f = 0; f < grouping.ffn(); f++) {
            for (int d = 0; d < model; d++) {
                router[grouping.expertOf(f) * model + d] += predictor[f * model + d] / grouping.expertSize();
            }
        }
        return router;
    }

    /**
     * Runs the method itself, and then the dense model, for whose activations both decide.
     *
     * @param served rules of what will be served
     */
    SparsifyReport.Imitated compare(List<ScoredSequence> sequences, List<FfnMask.Rule> served) {
        FfnMask itself = new FfnMask(rules, observation.config().ffn());
        Likelihood likelihood = observation.run(sequences, itself, done -> {});
        LongAdder alike = new LongAdder();
        LongAdder all = new LongAdder();
        FfnVisitor comparing = activations -> activations.forEachRow(row -> {
            boolean[] own = rules.get(activations.layer()).neurons(activations, row);
            boolean[] router = served.get(activations.layer()).neurons(activations, row);
            for (int f = 0; f < own.length; f++) {
                alike.add(own[f] == router[f] ? 1 : 0);
            }
            all.add(own.length);
        });
        observation.run(sequences, comparing, done -> {});
        return new SparsifyReport.Imitated(
                routing.method(),
                itself.sparsity().mean(),
                likelihood.perplexity(),
                alike.sum() / Math.max(1.0, all.sum()));
    }
}
