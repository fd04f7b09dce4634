package dev.lte.examples.cli;

import dev.lte.ConversionReport;
import dev.lte.ConversionReport.ConvertedTensor;
import dev.lte.ModelFiles;
import dev.lte.WeightType;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
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

    @Option(names = "--json", description = "Print one JSON object with the error of every tensor.")
    private boolean json;

    @Option(names = "--force", description = "Replace OUT if it exists.")
    private boolean force;

    @Override
    public Integer call() {
        if (!Files.exists(source)) {
            throw new ParameterException(spec.commandLine(), "there is no file or directory " + source);
        }
        requireNew(spec, target, force);
        ConversionReport report;
        try (ProgressBar bar = ProgressBar.on(spec.commandLine().getErr())) {
            report = ModelFiles.convert(source, target, type, bar);
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Json.print(out, Result.of(target, report));
        } else {
            print(out, report);
        }
        return 0;
    }

    private record Result(
            String path,
            long bytes,
            long parameters,
            double bitsPerWeight,
            List<ConvertedTensor> tensors,
            List<String> notes) {
        static Result of(Path target, ConversionReport report) {
            return new Result(
                    target.toString(),
                    report.bytes(),
                    report.parameters(),
                    report.bitsPerWeight(),
                    report.tensors(),
                    report.notes());
        }
    }

    /** The whole, then one line for each pair of element types with the tensor that lost most. */
    private void print(PrintWriter out, ConversionReport report) {
        out.printf(
                Locale.ROOT,
                "%s: %,d bytes, %,d parameters, %.2f bits per weight%n",
                target,
                report.bytes(),
                report.parameters(),
                report.bitsPerWeight());
        report.tensors().stream()
                .collect(Collectors.groupingBy(
                        tensor -> tensor.from() + " to " + tensor.to(), TreeMap::new, Collectors.toList()))
                .forEach((types, tensors) -> {
                    ConvertedTensor worst =
                            Collections.max(tensors, Comparator.comparingDouble(ConvertedTensor::relativeError));
                    out.printf(
                            Locale.ROOT,
                            "  %4d tensors %s, largest relative error %.5f (%s)%n",
                            tensors.size(),
                            types,
                            worst.relativeError(),
                            worst.name());
                });
        report.notes().forEach(note -> out.println("  " + note));
        out.flush();
    }

    /** A model takes long to make: none is replaced by accident. */
    static void requireNew(CommandSpec spec, Path target, boolean force) {
        if (!force && Files.exists(target)) {
            throw new ParameterException(spec.commandLine(), target + " exists; --force replaces it");
        }
    }
}
