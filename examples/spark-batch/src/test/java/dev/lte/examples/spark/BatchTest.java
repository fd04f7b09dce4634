package dev.lte.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.GenerationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class BatchTest {
    private static final Path STORY = Path.of("..", "models", "tinystories-656k.gguf");
    private static final Generation SHORT = Generation.defaults().withMaxTokens(6);
    private static SparkSession spark;
    private static ModelSource source;

    @TempDir
    Path directory;

    @BeforeAll
    static void start() {
        spark = SparkSession.builder()
                .master("local[2]")
                .appName("batch-test")
                .config("spark.ui.enabled", "false")
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.sql.shuffle.partitions", "2")
                // Code is not compiled for ten rows.
                .config("spark.sql.codegen.wholeStage", "false")
                .getOrCreate();
        source = ModelSource.of(STORY.toAbsolutePath()).withBackend("cpu").withThreads(1);
    }

    @AfterAll
    static void stop() {
        spark.stop();
        ExecutorModels.close();
    }

    /** Prompts of lines of JSON, as an application has them. */
    private Dataset<Row> prompts(int count) throws IOException {
        Path file = directory.resolve("prompts.jsonl");
        Files.writeString(
                file,
                IntStream.range(0, count)
                        .mapToObj(i -> "{\"prompt\": \"Once there was a cat with " + i + " toys\", \"n\": " + i + "}")
                        .collect(Collectors.joining("\n")));
        return spark.read().json(file.toString()).repartition(4);
    }

    private String folder() {
        return directory.resolve("results").toString();
    }

    private static Set<String> dataFiles(String folder) throws IOException {
        try (Stream<Path> files = Files.list(Path.of(folder))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("part-"))
                    .collect(Collectors.toSet());
        }
    }

    private static List<Row> sorted(Dataset<Row> results) {
        return results.collectAsList().stream()
                .sorted(Comparator.comparing(row -> row.<String>getAs(Batch.ID)))
                .toList();
    }

    @Test
    void everyPromptGetsATextWithWhatWasMeasured() throws IOException {
        Dataset<Row> results = Batch.generate(prompts(10), "prompt", "n", source, SHORT, Results.parquet(folder()));
        List<Row> rows = sorted(results);
        assertThat(rows).hasSize(10);
        for (Row row : rows) {
            assertThat(row.<String>getAs("prompt")).contains(" " + row.getAs("id") + " ");
            assertThat(row.<String>getAs("text")).isNotEmpty();
            assertThat(row.<String>getAs("finish_reason")).isEqualTo("LENGTH");
            assertThat(row.<Integer>getAs("generated_tokens")).isEqualTo(6);
            assertThat(row.<Integer>getAs("prompt_tokens")).isPositive();
            assertThat(row.<Double>getAs("sparsity")).isZero();
            assertThat(row.<String>getAs("error")).isNull();
        }
        int models = ExecutorModels.size();
        Batch.generate(prompts(3), "prompt", "n", source, SHORT, Results.json(folder() + "2"));
        assertThat(ExecutorModels.size())
                .as("one model for all tasks of all jobs")
                .isEqualTo(models);
    }

    @Test
    void theTextIsThatOfTheModelAndDoesNotDependOnPartitions() throws IOException {
        Generation greedy = SHORT.withTemperature(0);
        List<Row> rows = sorted(Batch.generate(prompts(4), "prompt", "n", source, greedy, Results.json(folder())));
        try (Model model = Lte.load(STORY)) {
            for (Row row : rows) {
                String text = model.generate(GenerationRequest.of(
                                r -> r.prompt(row.getAs("prompt")).maxTokens(6).sampling(Sampling.greedy())))
                        .ofType(TextDelta.class)
                        .map(TextDelta::text)
                        .collect(Collectors.joining())
                        .block();
                assertThat(row.<String>getAs("text")).isEqualTo(text);
            }
        }
        List<Row> sampled = sorted(
                Batch.generate(prompts(6).repartition(1), "prompt", "n", source, SHORT, Results.json(folder() + "1")));
        assertThat(sorted(Batch.generate(
                        prompts(6).repartition(5), "prompt", "n", source, SHORT, Results.json(folder() + "2"))))
                .isEqualTo(sampled);
        assertThat(sampled.stream().map(row -> row.<String>getAs("text")).distinct())
                .as("each row has a seed of its own")
                .hasSizeGreaterThan(3);
    }

    @Test
    void whatIsThereIsNotDoneAgain() throws IOException {
        List<Row> first = sorted(Batch.generate(prompts(5), "prompt", null, source, SHORT, Results.parquet(folder())));
        Set<String> files = dataFiles(folder());
        List<Row> all = sorted(Batch.generate(prompts(8), "prompt", null, source, SHORT, Results.parquet(folder())));
        assertThat(all).hasSize(8).containsAll(first);
        assertThat(dataFiles(folder())).containsAll(files);
        Set<String> after = dataFiles(folder());
        String[] newFiles = after.stream()
                .filter(name -> !files.contains(name))
                .map(name -> folder() + "/" + name)
                .toArray(String[]::new);
        long rowsOfNewFiles = spark.read().parquet(newFiles).count();
        assertThat(rowsOfNewFiles).isEqualTo(3);
    }

    @Test
    void aJobThatFailsKeepsItsFinishedTasksAndGoesOnFromThere() throws IOException {
        UserDefinedFunction fails = functions
                .udf(new FailsOnceOthersAreDone(folder()), DataTypes.StringType)
                .asNondeterministic();
        Dataset<Row> failing = prompts(12).withColumn("prompt", fails.apply(functions.col("prompt")));
        Results results = Results.json(folder());
        assertThatThrownBy(() -> Batch.generate(failing, "prompt", "n", source, SHORT, results))
                .hasStackTraceContaining("the machine burns");
        Set<String> kept = dataFiles(folder());
        assertThat(kept).isNotEmpty();
        long before = results.read(spark, new GenerateTask(SHORT, source.path()).schema())
                .count();
        assertThat(before).isBetween(1L, 11L);
        List<Row> all = sorted(Batch.generate(prompts(12), "prompt", "n", source, SHORT, results.withTasks(3)));
        assertThat(all).hasSize(12);
        assertThat(all.stream().map(row -> row.<String>getAs("id")).distinct()).hasSize(12);
        assertThat(dataFiles(folder())).containsAll(kept);
    }

    /** Fails at one prompt, when there are results of another task. */
    private record FailsOnceOthersAreDone(String folder) implements UDF1<String, String> {
        @Override
        public String call(String prompt) throws Exception {
            if (prompt.contains(" 7 ")) {
                for (int i = 0; i < 2000 && !hasResults(); i++) {
                    Thread.sleep(10);
                }
                throw new IllegalStateException("the machine burns");
            }
            return prompt;
        }

        private boolean hasResults() throws IOException {
            return Files.exists(Path.of(folder)) && !dataFiles(folder).isEmpty();
        }
    }

    @Test
    void resultsOfOtherSettingsAreNotAddedTo() throws IOException {
        Dataset<Row> prompts = prompts(2);
        Results results = Results.parquet(folder());
        Batch.generate(prompts, "prompt", null, source, SHORT, results);
        assertThatThrownBy(() -> Batch.generate(prompts, "prompt", null, source, SHORT.withSeed(5), results))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("seed=5");
    }

    @Test
    void aPromptThatDoesNotFitIsAnErrorOfItsRowAndAWrongOptionOfTheJob() throws IOException {
        Dataset<Row> prompts = spark.createDataset(List.of("One day", "word ".repeat(600)), Encoders.STRING())
                .toDF("prompt");
        List<Row> rows = Batch.generate(prompts, "prompt", null, source, SHORT, Results.json(folder()))
                .collectAsList();
        assertThat(rows).hasSize(2);
        assertThat(rows)
                .filteredOn(row -> row.getAs("error") != null)
                .singleElement()
                .satisfies(row -> {
                    assertThat(row.<String>getAs("error")).contains("context");
                    assertThat(row.<String>getAs("text")).isNull();
                });
        assertThatThrownBy(() -> Batch.generate(
                        prompts, "prompt", null, source, SHORT.withThreshold(0.5), Results.json(folder() + "2")))
                .hasStackTraceContaining("threshold");
    }

    @Test
    void textsAreMeasuredInNatsPerCharacter() throws IOException {
        Dataset<Row> texts = spark.sql("select * from values"
                + " (1, 'Once upon a time, there was a little girl.', cast(null as string)),"
                + " (2, 'zqx vvk jjw', null), (3, ' a little girl.', 'Once upon a time, there was')"
                + " as t(n, text, prompt)");
        List<Row> rows = sorted(Batch.evaluate(texts, "text", "prompt", "n", source, null, Results.json(folder())));
        double likely = rows.get(0).getAs("nats_per_character");
        assertThat(likely).isBetween(0.05, 1.2);
        assertThat(rows.get(1).<Double>getAs("nats_per_character")).isGreaterThan(2 * likely);
        assertThat(rows.get(0).<Integer>getAs("characters")).isEqualTo(42);
        assertThat(rows.get(2).<Integer>getAs("characters")).isEqualTo(15);
        try (Model model = Lte.load(STORY)) {
            int[] ids = model.tokenizer().encode("Once upon a time, there was a little girl.");
            float[][] logits = model.logits(ids);
            double nats = 0;
            for (int t = 1; t < ids.length; t++) {
                double sum = 0;
                for (float logit : logits[t - 1]) {
                    sum += Math.exp(logit);
                }
                nats += Math.log(sum) - logits[t - 1][ids[t]];
            }
            assertThat(rows.get(0).<Double>getAs("nats")).isCloseTo(nats, within(1e-3 * nats));
            assertThat(rows.get(0).<Integer>getAs("tokens")).isEqualTo(ids.length - 1);
        }
    }

    @Test
    void aModelCanBeShippedToTheExecutors() throws IOException {
        ModelSource shipped = ModelSource.shipped(spark.sparkContext(), STORY.toAbsolutePath())
                .withBackend("cpu")
                .withThreads(1);
        assertThat(shipped.path()).isEqualTo("tinystories-656k.gguf");
        assertThat(Batch.generate(prompts(2), "prompt", "n", shipped, SHORT, Results.json(folder()))
                        .count())
                .isEqualTo(2);
    }

    @Test
    void theJobTakesWhatTheDocumentationSays() throws IOException {
        prompts(3);
        String input = directory.resolve("prompts.jsonl").toString();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        BatchJob.run(
                spark,
                new String[] {
                    "generate",
                    "--input",
                    input,
                    "--output",
                    folder(),
                    "--output-format",
                    "json",
                    "--model",
                    STORY.toAbsolutePath().toString(),
                    "--backend",
                    "cpu",
                    "--threads",
                    "1",
                    "--id",
                    "n",
                    "--tasks",
                    "2",
                    "--max-tokens",
                    "4",
                    "--temperature",
                    "0",
                    "--seed",
                    "3"
                },
                new PrintStream(out, true, StandardCharsets.UTF_8));
        assertThat(out.toString(StandardCharsets.UTF_8)).startsWith("3 results, 0 of them errors");
        BatchJob.run(
                spark,
                new String[] {
                    "evaluate",
                    "--input",
                    input,
                    "--output",
                    folder() + "2",
                    "--model",
                    STORY.toAbsolutePath().toString(),
                    "--text",
                    "prompt",
                    "--backend",
                    "cpu",
                    "--threads",
                    "1"
                },
                new PrintStream(out, true, StandardCharsets.UTF_8));
        assertThat(out.toString(StandardCharsets.UTF_8)).containsPattern("nats per character: [0-9.]+");
        assertThatThrownBy(() -> BatchJob.run(spark, new String[] {"generate", "--beams", "4"}, System.out))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("--beams");
    }
}
