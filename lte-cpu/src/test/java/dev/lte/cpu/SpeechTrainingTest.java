package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lte.EvaluationReport;
import dev.lte.EvaluationRequest;
import dev.lte.EvaluationTask;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.train.Stage;
import dev.lte.train.StartingPoint;
import dev.lte.train.Training;
import dev.lte.train.TrainingData;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An encoder from scratch learns from real text whether a sentence of a story is said by somebody, its quotes taken off. */
class SpeechTrainingTest {
    private static final double TARGET = 0.8;
    private static final int LEAST_WORDS = 3;

    @TempDir
    Path temporary;

    /** As many sentences of each class. */
    private Path sentences(String stories, String name) throws IOException {
        List<List<String>> classes = List.of(new ArrayList<>(), new ArrayList<>());
        for (String line : lines(stories)) {
            String[] parts = line.split("\"", -1);
            // An even number of parts: a quote is missing.
            for (int i = 0; parts.length % 2 == 1 && i < parts.length; i++) {
                for (String sentence : parts[i].split("[.!?]+")) {
                    if (sentence.strip().split(" ").length >= LEAST_WORDS) {
                        classes.get(i % 2).add(sentence.strip());
                    }
                }
            }
        }
        List<String> rows = new ArrayList<>(List.of("sentence\tlabel"));
        int each = Math.min(classes.get(0).size(), classes.get(1).size());
        for (int i = 0; i < each; i++) {
            rows.add(classes.get(0).get(i) + "\t0");
            rows.add(classes.get(1).get(i) + "\t1");
        }
        return Files.write(temporary.resolve(name), rows);
    }

    private static List<String> lines(String stories) throws IOException {
        try (InputStream in = Objects.requireNonNull(SpeechTrainingTest.class.getResourceAsStream(stories), stories);
                GZIPInputStream unpacked = new GZIPInputStream(in)) {
            return new String(unpacked.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
        }
    }

    @Test
    void anEncoderFromScratchTellsSpeechFromNarrationWithAFifthOfItsNeuronsMoreOrFewer() throws IOException {
        Path train = sentences("stories-train.txt.gz", "train.tsv");
        Path development = sentences("stories-dev.txt.gz", "dev.tsv");
        TrainingPlan plan = TrainingPlan.of(p -> p.start(new StartingPoint.NewModel(
                        "roberta", 32, 256, 2, 2, 2, 600, 48, List.of("narration", "speech")))
                .data(TrainingData.of(TrainingData.Format.TSV, train).development(development))
                .folder(temporary.resolve("run"))
                .backend("cpu")
                .threads(2)
                .maxTokens(48)
                .expertSize(16)
                .seed(1)
                .stage(Stage.dense(s -> s.steps(80).batch(32).rate(3e-3).weightDecay(0.1)))
                .stage(Stage.learned(s -> s.steps(100)
                        .batch(32)
                        .rate(1e-3)
                        .routerRate(3e-3)
                        .eta(1e-3)
                        .targetSparsity(TARGET)))
                .stage(Stage.hard(s -> s.steps(30)
                        .batch(32)
                        .rate(1e-3)
                        .thresholdRange(0.3, 0.7)
                        .distillation(0.5))));
        List<TrainingEvent> events = Training.of(plan).events().collectList().block(Duration.ofMinutes(2));
        TrainingEvent.Completed completed =
                (TrainingEvent.Completed) Objects.requireNonNull(events).getLast();
        List<Double> taught = events.stream()
                .filter(TrainingEvent.Step.class::isInstance)
                .map(event -> ((TrainingEvent.Step) event).distillationLoss())
                .toList();
        assertThat(taught.getFirst()).as("of a dense step").isZero();
        assertThat(taught.getLast())
                .as("nats from the dense model, whose loss is about 0.3")
                .isBetween(1e-4, 0.3);
        EvaluationReport own = evaluate(completed.model(), development, r -> {});
        assertThat(own.examples()).isGreaterThan(50);
        // So few steps steer roughly.
        assertThat(own.sparsity().mean()).as("seed 1").isCloseTo(TARGET, within(0.15));
        EvaluationReport more = evaluate(completed.model(), development, r -> r.threshold(0.35));
        EvaluationReport fewer = evaluate(completed.model(), development, r -> r.threshold(0.65));
        assertThat(List.of(
                        more.sparsity().mean(),
                        own.sparsity().mean(),
                        fewer.sparsity().mean()))
                .isSorted();
        for (EvaluationReport report : List.of(more, own, fewer)) {
            // Half would be chance.
            assertThat(report.scores().get("accuracy"))
                    .as("seed 1, %s", report.sparsity())
                    .isGreaterThan(0.8);
        }
    }

    private static EvaluationReport evaluate(
            Path model, Path development, Consumer<EvaluationRequest.Builder> request) {
        return Lte.evaluate(
                model,
                EvaluationRequest.of(EvaluationTask.CLASSIFY, development, request),
                LoadOptions.of(o -> o.backend("cpu").threads(2)));
    }
}
