package dev.lte.examples.cli;

import dev.lte.EvaluationReport;
import dev.lte.EvaluationRequest;
import dev.lte.EvaluationTask;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.PostHocRouting;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures quality and sparsity of a model on a data set. */
@Command(
        name = "eval",
        description = "Measures how good a model is at a task, and how much of its FFN it runs for that.")
final class EvalCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model;

    @Option(
            names = "--task",
            paramLabel = "TASK",
            required = true,
            description = "e2e (BLEU, ROUGE-L and likelihood on E2E NLG), text (perplexity) or classify (accuracy, F1,"
                    + " Matthews on TSV files of GLUE).")
    private EvaluationTask task;

    @Option(
            names = "--data",
            paramLabel = "FILE",
            required = true,
            description = "CSV with columns mr and ref, text, or TSV; gzip is read as it is.")
    private Path data;

    @Option(
            names = {"--tau", "--threshold"},
            paramLabel = "TAU",
            description =
                    "The sparsity dial: an expert runs if its score is above this, 0 to 1. Default: the model's own.")
    private @Nullable Double threshold;

    @Option(
            names = "--routing",
            paramLabel = "METHOD",
            description =
                    "Run a dense model under a baseline: largest_activations or largest_experts (oracles), moefication,"
                            + " deja_vu, magnitude or noisy_top_k.")
    private PostHocRouting.@Nullable Method routing;

    @Option(
            names = "--sparsity",
            paramLabel = "S",
            defaultValue = "0.5",
            description = "Share of neurons that the baseline leaves out. Default: ${DEFAULT-VALUE}.")
    private double sparsity;

    @Option(
            names = "--expert-size",
            paramLabel = "M",
            defaultValue = "32",
            description = "Neurons of an expert of the baseline. Default: ${DEFAULT-VALUE}.")
    private int expertSize;

    @Option(
            names = "--calibration",
            paramLabel = "FILE",
            description =
                    "Text, CSV of E2E, or, for models that classify, TSV that the baseline is calibrated on. Default: a"
                            + " text that is built in.")
    private @Nullable Path calibration;

    @Option(
            names = "--limit",
            paramLabel = "N",
            description = "Only the first N meaning representations, sequences of text, or texts to classify.")
    private int limit;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "128",
            description = "Tokens generated at most for an example. Default: ${DEFAULT-VALUE}.")
    private int maxTokens;

    @Option(
            names = "--streams",
            paramLabel = "N",
            defaultValue = "64",
            description = "Generations that run together, 1 to 256. Default: ${DEFAULT-VALUE}.")
    private int streams;

    @Option(
            names = "--separator",
            paramLabel = "LINE",
            defaultValue = "<|endoftext|>",
            description = "The line between documents of a text; empty for blank lines. Default: ${DEFAULT-VALUE}.")
    private String separator;

    @Option(
            names = "--outputs",
            paramLabel = "FILE",
            description = "Also write what the model said, one line an example.")
    private @Nullable Path outputs;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Mixin
    private CachedLoadOptionsMixin loading;

    @Override
    public Integer call() {
        if (!Files.exists(data)) {
            throw new ParameterException(spec.commandLine(), "--data: there is no file " + data);
        }
        EvaluationReport report;
        try (ProgressBar bar = ProgressBar.on(spec.commandLine().getErr())) {
            report = Lte.evaluate(
                    model.path(),
                    EvaluationRequest.of(task, data, request -> {
                        request.limit(limit)
                                .maxTokens(maxTokens)
                                .separator(separator)
                                .progress(bar);
                        if (routing != null) {
                            request.routing(new PostHocRouting(routing, sparsity, expertSize, calibration));
                        }
                        if (threshold != null) {
                            request.threshold(threshold);
                        }
                    }),
                    LoadOptions.of(options -> loading.apply(options)
                            .maxStreams(streams)
                            .maxQueued(streams)
                            .progress(bar)));
        }
        if (outputs != null) {
            write(outputs, report);
        }
        if (json) {
            Json.print(spec.commandLine().getOut(), fields(report));
        } else {
            print(spec.commandLine().getOut(), report);
        }
        return 0;
    }

    private static void write(Path file, EvaluationReport report) {
        try {
            Files.write(
                    file,
                    report.outputs().stream()
                            .map(text -> text.replaceAll("\\R", " "))
                            .toList());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file + ": " + e, e);
        }
    }

    /** The scores stand beside what they cost, under fixed names. */
    private Map<String, Object> fields(EvaluationReport report) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("model", report.model());
        fields.put("task", report.task().name().toLowerCase(Locale.ROOT));
        if (routing != null) {
            fields.put("routing", routing.name().toLowerCase(Locale.ROOT));
        }
        fields.put("data", String.valueOf(data.getFileName()));
        fields.put("examples", report.examples());
        fields.putAll(report.scores());
        fields.put("sparsity", report.sparsity().mean());
        fields.put("sparsityPerLayer", report.sparsity().perLayer());
        fields.put("flopsPerToken", report.flopsPerToken());
        fields.put("tokens", report.sparsity().tokens());
        fields.put("seconds", report.time().toNanos() / 1e9);
        fields.put("backend", report.backend());
        return fields;
    }

    private static void print(PrintWriter out, EvaluationReport report) {
        out.printf(Locale.ROOT, "%s: %d examples%n", report.model(), report.examples());
        report.scores().forEach((name, value) -> out.printf(Locale.ROOT, "  %-18s %.4f%n", name, value));
        out.printf(
                Locale.ROOT,
                "  %-18s %.2f %% (per layer %s)%n",
                "sparsity",
                100 * report.sparsity().mean(),
                report.sparsity().perLayer().stream()
                        .map(share -> String.format(Locale.ROOT, "%.0f", 100 * share))
                        .collect(Collectors.joining(" ")));
        out.printf(Locale.ROOT, "  %-18s %.4g%n", "FLOPs per token", report.flopsPerToken());
        double seconds = report.time().toNanos() / 1e9;
        out.printf(
                Locale.ROOT,
                "  %d tokens in %.1f s, %.0f a second (%s)%n",
                report.sparsity().tokens(),
                seconds,
                report.sparsity().tokens() / seconds,
                report.backend());
        out.flush();
    }
}
