package dev.lte.examples.cli;

import dev.lte.ModelFileInfo;
import dev.lte.ModelFileInfo.TensorEntry;
import dev.lte.ModelFiles;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows what a model file says of itself, without loading its weights. */
@Command(name = "info", description = "Shows what a model says of itself: metadata, tensors, element types, routing.")
final class InfoCommand implements Callable<Integer> {
    private static final String LTE_PREFIX = "lte.";
    private static final String TOKENIZER_PREFIX = "lte.tokenizer.";

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model;

    @Option(names = "--tensors", description = "Also list every tensor (JSON always does).")
    private boolean tensors;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    private record TypeTotal(int tensors, long parameters, long bytes) {
        static TypeTotal of(List<TensorEntry> entries) {
            return new TypeTotal(
                    entries.size(),
                    entries.stream().mapToLong(InfoCommand::parameters).sum(),
                    entries.stream().mapToLong(TensorEntry::bytes).sum());
        }
    }

    private record Result(
            String path,
            String format,
            long parameters,
            long bytes,
            Map<String, TypeTotal> types,
            Map<String, String> metadata,
            Map<String, String> lte,
            List<TensorEntry> tensors) {}

    @Override
    public Integer call() {
        ModelFileInfo info = ModelFiles.inspect(model.path());
        Map<String, TypeTotal> types = new TreeMap<>();
        info.tensors().stream()
                .collect(Collectors.groupingBy(TensorEntry::type))
                .forEach((type, entries) -> types.put(type, TypeTotal.of(entries)));
        Result result = new Result(
                model.path().toString(),
                info.format(),
                types.values().stream().mapToLong(TypeTotal::parameters).sum(),
                types.values().stream().mapToLong(TypeTotal::bytes).sum(),
                types,
                select(info.metadata(), false),
                select(info.metadata(), true),
                info.tensors());
        if (json) {
            Json.print(spec.commandLine().getOut(), result);
        } else {
            print(spec.commandLine().getOut(), result);
        }
        return 0;
    }

    /** The pairs about routing, or all others. */
    private static Map<String, String> select(Map<String, String> metadata, boolean routing) {
        Map<String, String> selected = new TreeMap<>(metadata);
        selected.keySet().removeIf(key -> (key.startsWith(LTE_PREFIX) && !key.startsWith(TOKENIZER_PREFIX)) != routing);
        return selected;
    }

    private void print(PrintWriter out, Result result) {
        out.println(result.path());
        out.printf(
                Locale.ROOT,
                "%s, %d tensors, %,d parameters, %,d bytes%n",
                result.format(),
                result.tensors().size(),
                result.parameters(),
                result.bytes());
        out.println("\nElement types");
        result.types()
                .forEach((type, total) -> out.printf(
                        Locale.ROOT,
                        "  %-6s %5d tensors %,16d parameters %,16d bytes%n",
                        type,
                        total.tensors(),
                        total.parameters(),
                        total.bytes()));
        out.println("\nRouting");
        if (result.lte().isEmpty()) {
            out.println("  none: a dense model");
        }
        result.lte().forEach((key, value) -> out.println("  " + key + " = " + value));
        out.println("\nMetadata");
        result.metadata().forEach((key, value) -> out.println("  " + key + " = " + value));
        if (tensors) {
            out.println("\nTensors");
            for (TensorEntry tensor : result.tensors()) {
                out.printf(
                        Locale.ROOT,
                        "  %-40s %-6s %-20s %,14d bytes%n",
                        tensor.name(),
                        tensor.type(),
                        tensor.shape(),
                        tensor.bytes());
            }
        }
        out.flush();
    }

    private static long parameters(TensorEntry tensor) {
        return tensor.shape().stream().reduce(1L, (left, right) -> left * right);
    }
}
