package dev.lte.examples.cli;

import dev.lte.Classifier;
import dev.lte.Model;
import dev.lte.UnsupportedModelException;
import java.io.PrintWriter;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The logits of every position of a prompt. */
@Command(name = "logits", description = "Computes the logits of every position of a prompt.")
final class LogitsCommand implements Callable<Integer> {
    private static final int SHOWN = 5;

    @Spec
    private CommandSpec spec;

    @Option(names = "--ids", paramLabel = "ID", split = ",", required = true, description = "Token ids, such as 1,5,7.")
    private List<Integer> ids;

    @Option(names = "--threshold", paramLabel = "TAU", description = "The sparsity dial; default: the model's own.")
    private @Nullable Double threshold;

    @Option(names = "--json", description = "Print one JSON object with all logits; else the best 5 of each position.")
    private boolean json;

    @Mixin
    private ModelOptions model;

    @Mixin
    private CachedLoadOptionsMixin loading;

    private record Result(float[][] logits) {}

    @Override
    public Integer call() {
        if (threshold != null && loading.dense()) {
            throw new ParameterException(
                    spec.commandLine(), "--threshold and --dense exclude each other: a dense run has no threshold");
        }
        int[] prompt = ids.stream().mapToInt(Integer::intValue).toArray();
        PrintWriter out = spec.commandLine().getOut();
        Model generator;
        try {
            generator = model.load(loading);
        } catch (UnsupportedModelException notGenerating) {
            classLogits(out, prompt, notGenerating);
            return 0;
        }
        try (Model loaded = generator) {
            float[][] logits = loaded.logits(prompt, threshold);
            if (json) {
                Json.print(out, new Result(logits));
            } else {
                for (int position = 0; position < logits.length; position++) {
                    out.println(position + " " + loaded.tokenizer().piece(prompt[position]) + ": "
                            + best(loaded, logits[position]));
                }
                out.flush();
            }
        }
        return 0;
    }

    /** One row, of the classes; a model that does not classify either fails for the reason why it does not generate. */
    private void classLogits(PrintWriter out, int[] prompt, UnsupportedModelException notGenerating) {
        Classifier classifier;
        try {
            classifier = model.loadClassifier(loading);
        } catch (UnsupportedModelException e) {
            throw notGenerating;
        }
        try (Classifier loaded = classifier) {
            float[] logits = loaded.logits(prompt);
            if (json) {
                Json.print(out, new Result(new float[][] {logits}));
                return;
            }
            for (int i = 0; i < logits.length; i++) {
                out.println(loaded.labels().get(i) + " " + logits[i]);
            }
            out.flush();
        }
    }

    private static String best(Model model, float[] logits) {
        return IntStream.range(0, logits.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer id) -> -logits[id]))
                .limit(SHOWN)
                .map(id -> id + " "
                        + (id < model.tokenizer().size() ? model.tokenizer().piece(id) : "(padding)") + " "
                        + logits[id])
                .collect(Collectors.joining(", "));
    }
}
