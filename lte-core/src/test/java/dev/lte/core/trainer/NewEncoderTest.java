package dev.lte.core.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.Classifier;
import dev.lte.EvaluationReport;
import dev.lte.EvaluationRequest;
import dev.lte.EvaluationTask;
import dev.lte.InvalidRequestException;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.PostHocRouting;
import dev.lte.PostHocRouting.Method;
import dev.lte.train.Recipe;
import dev.lte.train.Stage;
import dev.lte.train.StartingPoint;
import dev.lte.train.TrainingData;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An encoder with random weights and a tokenizer of its own learns a rule about pairs, and is evaluated as MRPC would be. */
class NewEncoderTest {
    private static final List<String> LABELS = List.of("different", "same");
    private static final List<String> NOUNS = List.of("cat", "dog", "bird", "fish");

    @TempDir
    Path temporary;

    private Path train = Path.of("");
    private Path development = Path.of("");

    @BeforeEach
    void data() throws IOException {
        train = pairs("train.tsv", 240, 1);
        development = pairs("dev.tsv", 60, 2);
    }

    /** In the form of MRPC, with its byte order mark and line ends: the class is whether the first text speaks of the cat. */
    private Path pairs(String name, int count, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        StringBuilder lines = new StringBuilder("\uFEFFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n");
        for (int i = 0; i < count; i++) {
            int label = random.nextInt(2);
            String first = label == 1 ? "cat" : NOUNS.get(1 + random.nextInt(3));
            String second = NOUNS.get(random.nextInt(4));
            lines.append(label + "\t" + i + "\t" + i + "\tthe " + first + " sleeps\tthe " + second + " eats\r\n");
        }
        return Files.writeString(temporary.resolve(name), lines);
    }

    private static StartingPoint.NewModel shape(List<String> labels) {
        return new StartingPoint.NewModel("roberta", 16, 32, 2, 2, 2, 280, 24, labels);
    }

    private TrainingPlan plan(String folder, Consumer<TrainingPlan.Builder> stages) {
        return TrainingPlan.of(p -> {
            p.start(shape(LABELS))
                    .data(TrainingData.of(TrainingData.Format.TSV, train).development(development))
                    .folder(temporary.resolve(folder))
                    .maxTokens(24)
                    .tokensPerPass(128)
                    .expertSize(4)
                    .seed(3)
                    .stage(Stage.dense(s -> s.steps(60).batch(8).rate(1e-2).weightDecay(0.01)));
            stages.accept(p);
        });
    }

    private EvaluationReport evaluate(Path model, Consumer<EvaluationRequest.Builder> changes) {
        return Lte.evaluate(
                model,
                EvaluationRequest.of(EvaluationTask.CLASSIFY, development, changes),
                LoadOptions.of(o -> o.backend("reference")));
    }

    private static TrainingEvent.Completed completed(List<TrainingEvent> events) {
        return (TrainingEvent.Completed) events.getLast();
    }

    @Test
    void learnsARuleIsRoutedToATargetAndIsServedAsItWasEvaluated() {
        List<TrainingEvent> events = SmallRun.run(plan(
                "run",
                p -> p.hubDirectory(true)
                        .stage(Stage.learned(
                                Recipe.STRAIGHT_THROUGH,
                                s -> s.steps(30).batch(8).rate(1e-3).eta(0.1).targetSparsity(0.5)))
                        .stage(Stage.hard(s -> s.steps(10).batch(8).rate(1e-3)))));
        TrainingEvent.Evaluated last = events.stream()
                .filter(TrainingEvent.Evaluated.class::isInstance)
                .map(TrainingEvent.Evaluated.class::cast)
                .reduce((before, after) -> after)
                .orElseThrow();
        // Half would be chance.
        assertThat(Objects.requireNonNull(last.accuracy())).isGreaterThan(0.9);
        TrainingEvent.Completed completed = completed(events);
        // 16 experts in all.
        assertThat(completed.sparsity()).isCloseTo(0.5, within(0.2));

        EvaluationReport report = evaluate(completed.model(), request -> {});
        assertThat(report.scores().get("accuracy")).isEqualTo(last.accuracy());
        assertThat(report.scores()).containsKeys("f1", "matthews");
        // The development set once, token by token, in training and here.
        assertThat(report.sparsity().mean()).isCloseTo(completed.sparsity(), within(1e-6));

        try (Classifier gguf = Lte.loadClassifier(completed.model(), LoadOptions.of(o -> o.backend("reference")));
                Classifier hub = Lte.loadClassifier(
                        Objects.requireNonNull(completed.directory()), LoadOptions.of(o -> o.backend("reference")))) {
            assertThat(gguf.labels()).isEqualTo(LABELS);
            assertThat(hub.labels()).isEqualTo(LABELS);
            int[] ids = gguf.tokenizer().encode("the cat sleeps");
            assertThat(ids[0]).isZero();
            assertThat(ids[ids.length - 1]).isEqualTo(2);
            assertThat(hub.logits(ids)).containsExactly(gguf.logits(ids));
            assertThat(hub.tokenizer().encode("the cat sleeps")).isEqualTo(ids);
        }
    }

    @ParameterizedTest
    @EnumSource(Method.class)
    void everyBaselineMeasuresADenseEncoder(Method method) {
        Path model = completed(SmallRun.run(plan("run", p -> {}))).model();
        double dense =
                Objects.requireNonNull(evaluate(model, request -> {}).scores().get("accuracy"));
        assertThat(dense).isGreaterThan(0.9);

        EvaluationReport all = evaluate(model, r -> r.routing(new PostHocRouting(method, 0, 4, train)));
        if (method != Method.NOISY_TOP_K) { // scaled by a softmax even where all run
            assertThat(all.scores().get("accuracy")).isEqualTo(dense);
            assertThat(all.sparsity().mean()).isCloseTo(0, within(0.01));
        }
        EvaluationReport half = evaluate(model, r -> r.routing(new PostHocRouting(method, 0.5, 4, train)));
        double slack = method == Method.MAGNITUDE ? 0.1 : 1e-9; // a quantile of other text
        assertThat(half.sparsity().mean()).isCloseTo(0.5, within(slack));
        assertThat(half.flopsPerToken()).isLessThan(all.flopsPerToken());
    }

    @Test
    void aBaselineOfAnEncoderNeedsTextsWithClasses() {
        Path model = completed(SmallRun.run(plan("run", p -> {}))).model();
        assertThatThrownBy(() -> evaluate(model, r -> r.routing(new PostHocRouting(Method.MOEFICATION, 0.5, 4, null))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("calibration");
    }

    @Test
    void noisyTopKRoutersLearnAndAreMeasured() {
        Path model = completed(SmallRun.run(plan(
                        "run",
                        p -> p.stage(Stage.learned(
                                Recipe.NOISY_TOP_K,
                                s -> s.steps(10).batch(8).rate(1e-3).targetSparsity(0.5))))))
                .model();
        EvaluationReport report = evaluate(model, request -> {});
        assertThat(report.sparsity().mean()).isEqualTo(0.5);
    }

    @Test
    void labelsAreForEncodersOnly() {
        List<List<String>> bad = new ArrayList<>(List.of(List.of(), List.of("one"), List.of("one", "one")));
        bad.add(List.of("one", " "));
        for (List<String> labels : bad) {
            assertThatThrownBy(() -> shape(labels))
                    .as(labels.toString())
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("labels");
        }
        assertThatThrownBy(() -> new StartingPoint.NewModel("gpt2", 16, 32, 2, 2, 2, 280, 24, LABELS))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("labels");
        assertThatThrownBy(() -> new StartingPoint.NewModel("roberta", 16, 32, 2, 2, 1, 280, 24, LABELS))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("keyValueHeads");
    }
}
