package dev.lte.examples.cli;

import dev.lte.Classifier;
import dev.lte.Classifier.Classification;
import dev.lte.Classifier.TextPair;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Sorts texts into the classes of a model. */
@Command(name = "classify", description = "Sorts texts into the classes of an encoder model.")
final class ClassifyCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "TEXT", description = "Texts to classify.")
    private List<String> texts;

    @Option(names = "--pairs", description = "Texts are pairs: the first with the second, the third with the fourth.")
    private boolean pairs;

    @Option(
            names = "--threshold",
            paramLabel = "TAU",
            description =
                    "The sparsity dial: an expert runs if its score is above this, 0 to 1. Default: the model's own.")
    private @Nullable Double threshold;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Mixin
    private ModelOptions model;

    @Mixin
    private LoadOptionsMixin loading;

    private record Entry(String label, List<Double> probabilities, double sparsity) {}

    private record Result(List<String> labels, List<Entry> results, String backend) {}

    @Override
    public Integer call() {
        if (pairs && texts.size() % 2 != 0) {
            throw new ParameterException(
                    spec.commandLine(), "--pairs: expected an even number of texts, found " + texts.size());
        }
        PrintWriter out = spec.commandLine().getOut();
        try (Classifier classifier = model.loadClassifier(loading)) {
            List<Classification> results = pairs
                    ? classifier.classifyPairs(
                            IntStream.range(0, texts.size() / 2)
                                    .mapToObj(i -> new TextPair(texts.get(2 * i), texts.get(2 * i + 1)))
                                    .toList(),
                            threshold)
                    : classifier.classify(texts, threshold);
            if (json) {
                List<Entry> entries = results.stream()
                        .map(result -> new Entry(
                                result.label(),
                                result.probabilities(),
                                result.sparsity().mean()))
                        .toList();
                Json.print(
                        out,
                        new Result(
                                classifier.labels(), entries, classifier.info().backend()));
                return 0;
            }
            for (Classification result : results) {
                double probability =
                        result.probabilities().get(classifier.labels().indexOf(result.label()));
                out.printf(Locale.ROOT, "%s %.4f%n", result.label(), probability);
            }
            out.flush();
        }
        return 0;
    }
}
