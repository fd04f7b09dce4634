package dev.lte.examples.cli;

import dev.lte.ModelFiles;
import dev.lte.SyntheticModel;
import dev.lte.WeightType;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Writes a model with random weights and a real shape. */
@Command(name = "synth", description = "Writes a model with random weights and a real shape, for benchmarks.")
final class SynthCommand implements Callable<Integer> {
    private static final double NO_ROUTERS = -1;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--shape",
            paramLabel = "NAME",
            required = true,
            description = "tinyllama-1.1b, llama-3.2-1b or llama-2-7b.")
    private String shape;

    @Option(
            names = "--type",
            paramLabel = "TYPE",
            defaultValue = "q8_0",
            description = "Element type of the matrices: f32, f16, bf16, q8_0 (default), q4_0, q4_k or q6_k.")
    private WeightType type;

    @Option(
            names = "--layers",
            paramLabel = "N",
            description = "Number of blocks; 0 (the default) for the shape's own.")
    private int layers;

    @Option(
            names = "--ffn-sparsity",
            paramLabel = "S",
            description =
                    "Add routers that leave this share of the experts off, 0 or more, below 1. Default: no routers.")
    private @Nullable Double ffnSparsity;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of the random weights. Default: 0.")
    private long seed;

    @Option(names = "--out", paramLabel = "PATH", required = true, description = "The GGUF file to write.")
    private Path target;

    @Option(names = "--force", description = "Replace the file if it exists.")
    private boolean force;

    @Override
    public Integer call() {
        if (ffnSparsity != null && !(ffnSparsity >= 0)) {
            throw new ParameterException(
                    spec.commandLine(), "--ffn-sparsity: expected 0 or more, found " + ffnSparsity);
        }
        SyntheticModel description =
                new SyntheticModel(shape, type, layers, ffnSparsity == null ? NO_ROUTERS : ffnSparsity, seed);
        ConvertCommand.requireNew(spec, target, force);
        try (ProgressBar bar = ProgressBar.on(spec.commandLine().getErr())) {
            ModelFiles.synthesize(description, target, bar);
        }
        return 0;
    }
}
