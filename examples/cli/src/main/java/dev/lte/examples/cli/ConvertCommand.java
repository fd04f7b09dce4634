package dev.lte.examples.cli;

import dev.lte.ModelFiles;
import dev.lte.WeightType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Converts a model to GGUF, or to another element type. */
@Command(name = "convert", description = "Converts a llama2.c checkpoint, a hub directory or a GGUF file to GGUF.")
final class ConvertCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "IN",
            description = "What to convert; a llama2.c checkpoint has its tokenizer beside it.")
    private Path source;

    @Parameters(index = "1", paramLabel = "OUT", description = "The GGUF file to write.")
    private Path target;

    @Option(
            names = "--type",
            paramLabel = "TYPE",
            defaultValue = "f32",
            description = "Element type of the matrices: f32 (default), f16, bf16, q8_0, q4_0, q4_k or q6_k.")
    private WeightType type;

    @Option(names = "--force", description = "Replace OUT if it exists.")
    private boolean force;

    @Override
    public Integer call() {
        if (!Files.exists(source)) {
            throw new ParameterException(spec.commandLine(), "there is no file or directory " + source);
        }
        requireNew(spec, target, force);
        try (ProgressBar bar = ProgressBar.on(spec.commandLine().getErr())) {
            ModelFiles.convert(source, target, type, bar);
        }
        return 0;
    }

    /** A model takes long to make: none is replaced by accident. */
    static void requireNew(CommandSpec spec, Path target, boolean force) {
        if (!force && Files.exists(target)) {
            throw new ParameterException(spec.commandLine(), target + " exists; --force replaces it");
        }
    }
}
