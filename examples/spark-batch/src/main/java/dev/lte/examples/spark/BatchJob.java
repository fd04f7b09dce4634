package dev.lte.examples.spark;

import dev.lte.InvalidRequestException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.jspecify.annotations.Nullable;

/**
 * {@link Batch} for {@code spark-submit}: {@code generate} or {@code evaluate}, then options of the form {@code --name value}, which
 * docs/spark.md lists.
 */
public final class BatchJob {
    private static final Set<String> COMMON = Set.of(
            "input",
            "input-format",
            "output",
            "output-format",
            "tasks",
            "id",
            "prompt",
            "model",
            "ship",
            "backend",
            "threads",
            "context",
            "streams",
            "threshold");
    private static final Set<String> GENERATE =
            Set.of("chat", "max-tokens", "temperature", "top-k", "top-p", "min-p", "repetition-penalty", "seed");

    private final Map<String, String> options;

    private BatchJob(Map<String, String> options) {
        this.options = options;
    }

    public static void main(String[] args) {
        SparkSession spark = SparkSession.builder().appName("lte").getOrCreate();
        try {
            run(spark, args, System.out);
        } finally {
            spark.stop();
        }
    }

    /** @throws InvalidRequestException if an argument is unknown, missing or wrong */
    static void run(SparkSession spark, String[] args, PrintStream out) {
        String what = args.length == 0 ? "" : args[0];
        boolean generate = what.equals("generate");
        if (!generate && !what.equals("evaluate")) {
            throw new InvalidRequestException("arguments", "generate or evaluate first", what);
        }
        Map<String, String> options = new HashMap<>();
        for (int i = 1; i < args.length; i += 2) {
            String name = args[i].startsWith("--") ? args[i].substring(2) : "";
            boolean known = COMMON.contains(name) || (generate ? GENERATE.contains(name) : name.equals("text"));
            if (!known || i + 1 == args.length) {
                throw new InvalidRequestException("arguments", "--name value, as docs/spark.md lists them", args[i]);
            }
            options.put(name, args[i + 1]);
        }
        new BatchJob(options).run(spark, generate, out);
    }

    private void run(SparkSession spark, boolean generate, PrintStream out) {
        Dataset<Row> input = spark.read().format(option("input-format", "json")).load(required("input"));
        Results results = new Results(required("output"), option("output-format", "parquet"), integer("tasks", 0));
        String id = options.get("id");
        Double threshold = options.containsKey("threshold") ? Double.valueOf(number("threshold", 0)) : null;
        Dataset<Row> all = generate
                ? Batch.generate(input, option("prompt", "prompt"), id, model(spark), generation(threshold), results)
                : Batch.evaluate(
                        input, option("text", "text"), options.get("prompt"), id, model(spark), threshold, results);
        Row counts = all.agg(functions.count("*"), functions.count(Batch.ERROR)).first();
        out.println(counts.getLong(0) + " results, " + counts.getLong(1) + " of them errors, in " + results.folder());
        if (!generate) {
            Row sums = all.agg(functions.sum("nats").divide(functions.sum("characters")))
                    .first();
            out.println("nats per character: " + sums.get(0));
        }
    }

    private ModelSource model(SparkSession spark) {
        Path path = Path.of(required("model"));
        ModelSource source = flag("ship") ? ModelSource.shipped(spark.sparkContext(), path) : ModelSource.of(path);
        return source.withBackend(option("backend", source.backend()))
                .withThreads(integer("threads", source.threads()))
                .withContextLength(integer("context", source.contextLength()))
                .withMaxStreams(integer("streams", source.maxStreams()));
    }

    private Generation generation(@Nullable Double threshold) {
        Generation unset = Generation.defaults();
        return new Generation(
                flag("chat"),
                integer("max-tokens", unset.maxTokens()),
                (float) number("temperature", unset.temperature()),
                integer("top-k", unset.topK()),
                (float) number("top-p", unset.topP()),
                (float) number("min-p", unset.minP()),
                (float) number("repetition-penalty", unset.repetitionPenalty()),
                integer("seed", 0),
                threshold,
                unset.stopStrings());
    }

    private String required(String name) {
        String value = options.get(name);
        if (value == null) {
            throw new InvalidRequestException("arguments", "--" + name, "none");
        }
        return value;
    }

    private String option(String name, String fallback) {
        return options.getOrDefault(name, fallback);
    }

    private boolean flag(String name) {
        String value = option(name, "false");
        if (!value.equals("true") && !value.equals("false")) {
            throw new InvalidRequestException(name, "true or false", value);
        }
        return value.equals("true");
    }

    private int integer(String name, int fallback) {
        String value = option(name, String.valueOf(fallback));
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new InvalidRequestException(name, "an integer", value);
        }
    }

    private double number(String name, double fallback) {
        String value = option(name, String.valueOf(fallback));
        try {
            return Double.parseDouble(value);
        } catch (NumberFormatException e) {
            throw new InvalidRequestException(name, "a number", value);
        }
    }
}
