package dev.lte.examples.cli;

import dev.lte.InvalidRequestException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One result of an evaluation.
 *
 * @param label of the line that it belongs to
 * @param file where it stands
 */
record ResultPoint(String label, Path file, JsonNode fields) {
    /** Scores in the order of a table's columns. */
    private static final List<String> SCORES =
            List.of("bleu", "rougeL", "accuracy", "f1", "matthews", "perplexity", "natsPerCharacter");

    private static final List<String> COMMON = List.of("bleu", "accuracy", "perplexity");

    /** @param arguments files of one object a line, each perhaps after a label and {@code =} */
    static List<ResultPoint> read(List<String> arguments) {
        List<ResultPoint> points = new ArrayList<>();
        JsonMapper mapper = JsonMapper.shared();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            Path file = Path.of(argument.substring(equals + 1));
            try {
                for (String line : Files.readAllLines(file)) {
                    if (line.isBlank()) {
                        continue;
                    }
                    JsonNode fields = mapper.readTree(line);
                    String own = fields.path("series")
                            .asString(fields.path("routing")
                                    .asString(fields.path("model").asString("model")));
                    points.add(new ResultPoint(equals < 0 ? own : argument.substring(0, equals), file, fields));
                }
            } catch (IOException e) {
                throw new UncheckedIOException("cannot read " + file + ": " + e, e);
            } catch (JacksonException e) {
                throw new InvalidRequestException(
                        "result " + file, "one JSON object a line, as lte eval --json prints", e.getOriginalMessage());
            }
        }
        return points;
    }

    boolean has(String field) {
        return fields.path(field).isNumber();
    }

    double number(String field) {
        return fields.path(field).asDouble();
    }

    /** The first of the usual scores that all results have. */
    static String commonScore(List<ResultPoint> points) {
        return COMMON.stream()
                .filter(score -> points.stream().allMatch(point -> point.has(score)))
                .findFirst()
                .orElseThrow(() -> new InvalidRequestException(
                        "results", "one of " + COMMON + " in all of them; name another with --y", "none"));
    }

    /** Means of each label in Markdown, with the standard deviation of the first score where there are several. */
    static String means(List<ResultPoint> points) {
        List<String> scores = SCORES.stream()
                .filter(score -> points.stream().anyMatch(point -> point.has(score)))
                .toList();
        StringBuilder table = new StringBuilder("| | runs | sparsity | MFLOPs per token |");
        scores.forEach(score -> table.append(' ').append(score).append(" |"));
        table.append("\n|---|---|---|---|").append("---|".repeat(scores.size())).append('\n');
        for (List<ResultPoint> of : runs(points)) {
            ResultPoint first = of.getFirst();
            table.append(String.format(
                    Locale.ROOT,
                    "| %s | %d | %.1f %% | %.3f |",
                    first.fields.path("label").asString(first.label),
                    of.size(),
                    100 * mean(of, "sparsity"),
                    mean(of, "flopsPerToken") / 1e6));
            for (String score : scores) {
                table.append(String.format(Locale.ROOT, " %.4g", mean(of, score)));
                table.append(
                        score.equals(scores.getFirst()) && of.size() > 1
                                ? String.format(Locale.ROOT, " (%.2g) |", deviation(of, score))
                                : " |");
            }
            table.append('\n');
        }
        return table.toString();
    }

    /** Results that share a label, such as the seeds of one run, together; those without one by themselves. In the order given. */
    static List<List<ResultPoint>> runs(List<ResultPoint> points) {
        Map<Object, List<ResultPoint>> runs = new LinkedHashMap<>();
        for (ResultPoint point : points) {
            JsonNode label = point.fields.path("label");
            runs.computeIfAbsent(label.isString() ? label.asString() : point, key -> new ArrayList<>())
                    .add(point);
        }
        return List.copyOf(runs.values());
    }

    static double mean(List<ResultPoint> points, String field) {
        return points.stream()
                .mapToDouble(point -> point.number(field))
                .average()
                .orElse(Double.NaN);
    }

    /** Of a sample: over n - 1. */
    private static double deviation(List<ResultPoint> points, String field) {
        double mean = mean(points, field);
        double squares = points.stream()
                .mapToDouble(point -> point.number(field) - mean)
                .map(difference -> difference * difference)
                .sum();
        return Math.sqrt(squares / (points.size() - 1));
    }

    /** In Markdown, in the order given. */
    static String table(List<ResultPoint> points) {
        Set<String> scores = new LinkedHashSet<>(SCORES);
        scores.removeIf(score -> points.stream().noneMatch(point -> point.has(score)));
        StringBuilder table = new StringBuilder("| | sparsity | MFLOPs per token |");
        scores.forEach(score -> table.append(' ').append(score).append(" |"));
        table.append("\n|---|---|---|").append("---|".repeat(scores.size())).append('\n');
        for (ResultPoint point : points) {
            table.append(String.format(
                    Locale.ROOT,
                    "| %s | %.1f %% | %.3f |",
                    point.label,
                    100 * point.number("sparsity"),
                    point.number("flopsPerToken") / 1e6));
            for (String score : scores) {
                table.append(point.has(score) ? String.format(Locale.ROOT, " %.4g |", point.number(score)) : " |");
            }
            table.append('\n');
        }
        return table.toString();
    }
}
