package dev.lte.examples.cli;

import dev.lte.GroupingReport;
import dev.lte.ModelFiles;
import dev.lte.WeightType;
import dev.lte.train.GroupingMethod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
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
            description = "k_means (balanced, the default) or random.")
    private GroupingMethod method;

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

    @Override
    public Integer call() {
        if (!Files.exists(source)) {
            throw new ParameterException(spec.commandLine(), "there is no file or directory " + source);
        }
        ConvertCommand.requireNew(spec, target, force);
        GroupingReport report;
        try (ProgressBar bar = ProgressBar.on(spec.commandLine().getErr())) {
            report = ModelFiles.group(source, target, expertSize, method, seed, type, bar);
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
