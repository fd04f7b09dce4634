package dev.lte.core.eval;

import dev.lte.Classifier;
import dev.lte.EvaluationReport;
import dev.lte.EvaluationRequest;
import dev.lte.EvaluationTask;
import dev.lte.SparsityReport;
import dev.lte.UnsupportedModelException;
import dev.lte.core.arch.ModelConfig;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Measures loaded models on data sets; the three tasks of {@link EvaluationTask}. Blocks the caller. */
public final class Evaluation {
    private Evaluation() {}

    /**
     * What a task found.
     *
     * @param sparsity over all tokens that were run
     */
    record Findings(Map<String, Double> scores, SparsityReport sparsity, long examples, List<String> outputs) {}

    /**
     * Measures a language model. Nobody else may use it meanwhile, or times say nothing.
     *
     * @throws dev.lte.LteException if data or options do not fit
     */
    public static EvaluationReport of(EvaluatedModel model, EvaluationRequest request) {
        model.threshold(request.threshold()); // refused before any work
        long begin = System.nanoTime();
        Findings findings = switch (request.task()) {
            case E2E -> new E2eEvaluation(model, request).run();
            case TEXT -> new TextEvaluation(model, request).run();
            case CLASSIFY ->
                throw new UnsupportedModelException(
                        model.model().info().name() + " generates text and has no classes",
                        "choose the task e2e or text, or a model for sequence classification");
        };
        FfnMeasure measure = model.measure();
        SparsityReport sparsity = measure == null ? findings.sparsity : measure.sparsity();
        double flops = flops(model.config(), model.routed(), measure, sparsity);
        return report(request, model.model().info().name(), model.backend().name(), findings, sparsity, flops, begin);
    }

    /**
     * Measures a classifier; {@link EvaluationTask#CLASSIFY} only.
     *
     * @param measure what counts the work of FFNs that are not the model's own; null for the model as it is
     */
    public static EvaluationReport of(
            Classifier classifier,
            ModelConfig config,
            boolean routed,
            @Nullable FfnMeasure measure,
            EvaluationRequest request) {
        long begin = System.nanoTime();
        if (request.task() != EvaluationTask.CLASSIFY) {
            throw new UnsupportedModelException(
                    classifier.info().name() + " classifies texts and generates none",
                    "choose the task classify, or a model that generates");
        }
        Findings findings =
                new ClassificationEvaluation(classifier, config.layers().size(), request).run();
        SparsityReport sparsity = measure == null ? findings.sparsity : measure.sparsity();
        double flops = flops(config, routed, measure, sparsity);
        return report(request, classifier.info().name(), classifier.info().backend(), findings, sparsity, flops, begin);
    }

    private static double flops(
            ModelConfig config, boolean routed, @Nullable FfnMeasure measure, SparsityReport sparsity) {
        return measure == null
                ? FlopsPerToken.of(config, sparsity.mean(), routed)
                : FlopsPerToken.of(config, measure.work(sparsity.mean()));
    }

    private static EvaluationReport report(
            EvaluationRequest request,
            String name,
            String backend,
            Findings findings,
            SparsityReport sparsity,
            double flops,
            long begin) {
        return new EvaluationReport(
                request.task(),
                name,
                backend,
                findings.scores(),
                sparsity,
                flops,
                findings.examples(),
                findings.outputs(),
                Duration.ofNanos(System.nanoTime() - begin));
    }
}
