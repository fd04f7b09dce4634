package dev.lte.core.eval;

import dev.lte.Classifier;
import dev.lte.Classifier.Classification;
import dev.lte.Classifier.TextPair;
import dev.lte.EvaluationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.Progress;
import dev.lte.core.data.Example;
import dev.lte.core.data.ExampleReader;
import dev.lte.core.data.TsvSource;
import dev.lte.core.data.TsvTask;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Classes of texts or pairs of texts. F1 is that of class 1 where there are two classes, as GLUE has it for MRPC, else the mean
 * over classes.
 */
final class ClassificationEvaluation {
    private static final int BATCH = 256;

    private final Classifier classifier;
    private final EvaluationRequest request;
    private final SparsityTotal sparsity;

    ClassificationEvaluation(Classifier classifier, int layers, EvaluationRequest request) {
        this.classifier = classifier;
        this.request = request;
        sparsity = new SparsityTotal(layers);
    }

    Evaluation.Findings run() {
        TsvSource source = new TsvSource(request.data(), null);
        List<Example.Labelled> examples = read(source);
        int[] classes = classes(source.resolvedTask());
        ClassificationScores scores =
                new ClassificationScores(classifier.labels().size());
        List<String> outputs = new ArrayList<>();
        for (int from = 0; from < examples.size(); from += BATCH) {
            int to = Math.min(from + BATCH, examples.size());
            List<Example.Labelled> batch = examples.subList(from, to);
            List<Classification> found = classify(batch);
            for (int i = 0; i < batch.size(); i++) {
                Classification classification = found.get(i);
                scores.add(classes[batch.get(i).label()], classifier.labels().indexOf(classification.label()));
                sparsity.add(classification.sparsity());
                outputs.add(classification.label());
            }
            request.progress().accept(new Progress("classifying", to, examples.size()));
        }
        Map<String, Double> result = new LinkedHashMap<>();
        result.put("accuracy", scores.accuracy());
        result.put("f1", classifier.labels().size() == 2 ? scores.f1(1) : scores.macroF1());
        result.put("matthews", scores.matthews());
        return new Evaluation.Findings(result, sparsity.report(), examples.size(), outputs);
    }

    private List<Example.Labelled> read(TsvSource source) {
        List<Example.Labelled> examples = new ArrayList<>();
        try (ExampleReader reader = source.open()) {
            for (Example example = reader.next(); example != null; example = reader.next()) {
                if (request.limit() > 0 && examples.size() == request.limit()) {
                    break;
                }
                examples.add((Example.Labelled) example);
            }
        }
        if (examples.isEmpty()) {
            throw new InvalidRequestException("data", "at least one labelled text", request.data());
        }
        return examples;
    }

    /** The model's class of each label of the file: by name where the model names its classes so, else by number. */
    private int[] classes(TsvTask task) {
        List<String> names = classifier.labels().stream()
                .map(label -> label.toLowerCase(Locale.ROOT))
                .toList();
        int labels = task.labels().size();
        if (names.size() < labels) {
            throw new InvalidRequestException(
                    "data", "at most " + names.size() + " classes, which the model has", task.labels());
        }
        boolean named = names.containsAll(task.labels());
        int[] classes = new int[labels];
        for (int label = 0; label < labels; label++) {
            classes[label] = named ? names.indexOf(task.labels().get(label)) : label;
        }
        return classes;
    }

    private List<Classification> classify(List<Example.Labelled> batch) {
        Double threshold = request.threshold().isPresent() ? request.threshold().getAsDouble() : null;
        List<TextPair> pairs = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        for (Example.Labelled example : batch) {
            if (example.second() == null) {
                texts.add(example.first());
            } else {
                pairs.add(new TextPair(example.first(), example.second()));
            }
        }
        // A file has the one or the other.
        return pairs.isEmpty() ? classifier.classify(texts, threshold) : classifier.classifyPairs(pairs, threshold);
    }
}
