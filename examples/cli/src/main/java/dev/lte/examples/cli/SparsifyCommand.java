package dev.lte.examples.cli;

import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.PostHocRouting;
import dev.lte.SparsifyOptions;
import dev.lte.SparsifyReport;
import dev.lte.WeightType;
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

/** Adds routers to a dense model without training it. */
@Command(name = "sparsify", description = "Makes a dense model skip part of its FFN, without training.")
final class SparsifyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "FILE",
            required = true,
            description = "The GGUF file to write.")
    private Path target;

    @Option(
            names = "--sparsity",
            paramLabel = "S",
            defaultValue = "0.5",
            description = "Share of the FFN to leave out, on average. Default: ${DEFAULT-VALUE}.")
    private double sparsity;

    @Option(
            names = "--method",
            paramLabel = "METHOD",
            description =
                    "Follow a baseline as far as experts with linear routers can: moefication, deja_vu or magnitude. Default:"
                            + " what loses least.")
    private PostHocRouting.@Nullable Method method;

    @Option(
            names = "--expert-size",
            paramLabel = "M",
            description = "Neurons of an expert. Default: the divisor of the FFN's width that is nearest to 32.")
    private int expertSize;

    @Option(
            names = "--calibration",
            paramLabel = "FILE",
            description = "Text like that which the model will be used on, or CSV of E2E; gzip is read as it is."
                    + " Default: a short English text that is built in.")
    private @Nullable Path calibration;

    @Option(
            names = "--calibration-tokens",
            paramLabel = "N",
            defaultValue = "16384",
            description = "Tokens of it that are used at most. Default: ${DEFAULT-VALUE}.")
    private int calibrationTokens;

    @Option(
            names = "--type",
            paramLabel = "TYPE",
            description =
                    "Element type of the matrices: f32, f16, bf16, q8_0, q4_0, q4_k or q6_k. Default: the model's own.")
    private @Nullable WeightType type;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Option(names = "--force", description = "Replace FILE if it exists.")
    private boolean force;

    @Mixin
    private LoadOptionsMixin loading;

    @Override
    public Integer call() {
        ConvertCommand.requireNew(spec, target, force);
        if (calibration != null && !Files.exists(calibration)) {
            throw new ParameterException(spec.commandLine(), "--calibration: there is no file " + calibration);
        }
        long begin = System.nanoTime();
        SparsifyReport report;
        try (ProgressBar bar = ProgressBar.on(spec.commandLine().getErr())) {
            report = Lte.sparsify(
                    model.path(),
                    target,
                    SparsifyOptions.of(
                            sparsity,
                            options -> options.method(method)
                                    .expertSize(expertSize)
                                    .type(type)
                                    .calibration(calibration)
                                    .calibrationTokens(calibrationTokens)
                                    .seed(seed)),
                    LoadOptions.of(options -> loading.apply(options).progress(bar)));
        }
        print(report, (System.nanoTime() - begin) / 1e9);
        return 0;
    }

    private void print(SparsifyReport report, double seconds) {
        if (json) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("path", target.toString());
            fields.put("bytes", report.written().bytes());
            fields.put("expertSize", report.expertSize());
            fields.put("sparsity", report.sparsity().mean());
            fields.put("sparsityPerLayer", report.sparsity().perLayer());
            fields.put("densePerplexity", report.densePerplexity());
            fields.put("perplexity", report.perplexity());
            SparsifyReport.Imitated imitated = report.imitated();
            if (imitated != null) {
                fields.put("imitated", imitated);
            }
            fields.put("heldOutTokens", report.sparsity().tokens());
            fields.put("seconds", seconds);
            Json.print(spec.commandLine().getOut(), fields);
            return;
        }
        spec.commandLine()
                .getOut()
                .printf(
                        Locale.ROOT,
                        "%s: %,d bytes, experts of %d neurons, %.1f s%n"
                                + "  on %d held-out tokens: FFN sparsity %.1f %% (per layer %s), perplexity %.3f (dense %.3f)%n",
                        target,
                        report.written().bytes(),
                        report.expertSize(),
                        seconds,
                        report.sparsity().tokens(),
                        100 * report.sparsity().mean(),
                        report.sparsity().perLayer().stream()
                                .map(share -> String.format(Locale.ROOT, "%.0f", 100 * share))
                                .collect(Collectors.joining(" ")),
                        report.perplexity(),
                        report.densePerplexity());
        SparsifyReport.Imitated imitated = report.imitated();
        if (imitated != null) {
            spec.commandLine()
                    .getOut()
                    .printf(
                            Locale.ROOT,
                            "  %s itself: FFN sparsity %.1f %%, perplexity %.3f; the file's routers decide as it does for %.1f %% of"
                                    + " the neurons%n",
                            imitated.method().name().toLowerCase(Locale.ROOT),
                            100 * imitated.sparsity(),
                            imitated.perplexity(),
                            100 * imitated.agreement());
        }
        spec.commandLine().getOut().flush();
    }
}
