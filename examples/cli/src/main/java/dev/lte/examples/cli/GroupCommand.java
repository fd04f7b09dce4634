package dev.lte.examples.cli;

import dev.lte.GroupingOptions;
import dev.lte.GroupingReport;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.WeightType;
import dev.lte.train.GroupingMethod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Groups the neurons of a model's FFNs into experts. */
@Command(
        name = "group",
        description =
                "Puts the neurons of every feed-forward block in the order of experts and writes the model, which computes"
                        + " what it computed before. Training does this by itself; do it once for several runs that use"
                        + " 'grouping: consecutive'.")
final class GroupCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "IN",
            description = "A dense model: GGUF, hub directory or llama2.c checkpoint.")
    private Path source;

    @Parameters(index = "1", paramLabel = "OUT", description = "The GGUF file to write.")
    private Path target;

    @Option(
            names = "--expert-size",
            paramLabel = "M",
            defaultValue = "32",
            description = "Neurons of an expert; divides the width of the block. Default: 32.")
    private int expertSize;

    @Option(
            names = "--method",
            paramLabel = "METHOD",
            defaultValue = "k_means",
            description =
                    "k_means (balanced, of the weights, the default), co_activation (neurons that are active for the same"
                            + " tokens of the calibration text) or random.")
    private GroupingMethod method;

    @Option(
            names = "--calibration",
            paramLabel = "FILE",
            description =
                    "For co_activation: text, or CSV of E2E; gzip is read as it is. Default: a text that is built in.")
    private @Nullable Path calibration;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Of the grouping. Default: 0.")
    private long seed;

    @Option(
            names = "--type",
            paramLabel = "TYPE",
            defaultValue = "f32",
            description = "Element type of the matrices: f32 (default), f16, bf16, q8_0, q4_0, q4_k or q6_k.")
    private WeightType type;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Option(names = "--force", description = "Replace OUT if it exists.")
    private boolean force;

    @Mixin
    private LoadOptionsMixin loading;

    @Override
    public Integer call() {
        if (!Files.exists(source)) {
            throw new ParameterException(spec.commandLine(), "there is no file or directory " + source);
        }
        if (calibration != null && !Files.exists(calibration)) {
            throw new ParameterException(spec.commandLine(), "--calibration: there is no file " + calibration);
        }
        ConvertCommand.requireNew(spec, target, force);
        GroupingReport report;
        try (ProgressBar bar = ProgressBar.on(spec.commandLine().getErr())) {
            report = Lte.group(
                    source,
                    target,
                    new GroupingOptions(method, expertSize, calibration, seed, type),
                    LoadOptions.of(options -> loading.apply(options).progress(bar)));
        }
        if (json) {
            Json.print(spec.commandLine().getOut(), report);
        } else {
            spec.commandLine()
                    .getOut()
                    .printf(
                            Locale.ROOT,
                            "%s: %d experts of %d neurons in each of %d layers, grouped in %.1f s%n",
                            target,
                            report.experts(),
                            expertSize,
                            report.objectives().size(),
                            report.time().toMillis() / 1e3);
            spec.commandLine().getOut().flush();
        }
        return 0;
    }
}
