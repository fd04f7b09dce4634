package dev.lte.core.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.EvaluationReport;
import dev.lte.EvaluationRequest;
import dev.lte.EvaluationTask;
import dev.lte.InvalidRequestException;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.ModelFiles;
import dev.lte.backend.Gating;
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
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A stage that draws a threshold for every step. */
class ThresholdRangeTest {
    @TempDir
    Path temporary;

    private Path train = Path.of("");

    @BeforeEach
    void data() throws IOException {
        train = SmallRun.data(temporary, "train.jsonl", 90, 1);
    }

    /** Routers that hardly learn, so that scores lie on both sides of all thresholds. */
    private TrainingPlan plan(String folder, boolean range) {
        return TrainingPlan.of(p -> p.start(new StartingPoint.NewModel("llama", 16, 32, 2, 2, 1, 280, 24))
                .data(TrainingData.of(TrainingData.Format.JSONL, train))
                .folder(temporary.resolve(folder))
                .maxTokens(24)
                .expertSize(4)
                .reportEvery(2)
                .checkpointEvery(4)
                .stage(stage(
                        Stage.Routing.LEARNED,
                        range,
                        s -> s.steps(6).batch(6).rate(1e-2).routerRate(1e-5)))
                .stage(stage(Stage.Routing.HARD, range, s -> s.steps(8).batch(6).rate(1e-2))));
    }

    private static Stage stage(Stage.Routing routing, boolean range, Consumer<Stage.Builder> description) {
        Consumer<Stage.Builder> all = builder -> {
            description.accept(builder);
            if (range) {
                builder.thresholdRange(0.4, 0.6);
            }
        };
        return routing == Stage.Routing.HARD ? Stage.hard(all) : Stage.learned(Recipe.STRAIGHT_THROUGH, all);
    }

    @Test
    void everyThresholdIsDrawnAboutAsOften() {
        Stage stage = Stage.hard(s -> s.steps(4000).thresholdRange(0.2, 0.9));
        StageSettings settings = StageSettings.of(plan("none", true), stage, 4000, 0.5f);
        Map<Float, Integer> drawn = new TreeMap<>();
        for (int step = 0; step < 4000; step++) {
            Gating gating = settings.gatingAt(7, step);
            assertThat(gating).isEqualTo(settings.gatingAt(7, step));
            assertThat(gating.mode()).isEqualTo(Gating.Mode.HARD);
            drawn.merge(gating.threshold(), 1, Integer::sum);
        }
        assertThat(drawn).hasSize(8);
        assertThat(drawn.keySet()).contains(0.2f, 0.9f);
        double previous = Double.NaN;
        for (float threshold : drawn.keySet()) {
            double logit = Math.log(threshold / (1.0 - threshold));
            if (!Double.isNaN(previous)) {
                // (logit(0.9) - logit(0.2)) / 7; thresholds are floats
                assertThat(logit - previous).isCloseTo(0.51194, within(1e-5));
            }
            previous = logit;
        }
        // 500 each, with a deviation of 21.
        assertThat(drawn.values()).allSatisfy(count -> assertThat(count).isBetween(400, 600));
        assertThat(settings.served()).isEqualTo(Gating.hard(0.5f));
    }

    @Test
    void lossesAreThoseOfOtherExpertsAndSparsityIsStillTheModelsOwn() {
        List<TrainingEvent> fixed = SmallRun.run(plan("fixed", false));
        List<TrainingEvent> ranged = SmallRun.run(plan("ranged", true));
        assertThat(SmallRun.steps(ranged)).hasSize(14).isNotEqualTo(SmallRun.steps(fixed));
        // Before the first update scores of the first layer are the same, and so is what the model's own threshold
        // makes of them.
        assertThat(step(ranged).layerSparsity().getFirst())
                .isEqualTo(step(fixed).layerSparsity().getFirst());
        assertThat(step(ranged).layerSparsity().getLast())
                .isNotEqualTo(step(fixed).layerSparsity().getLast());
    }

    private static TrainingEvent.Step step(List<TrainingEvent> events) {
        return events.stream()
                .filter(TrainingEvent.Step.class::isInstance)
                .map(TrainingEvent.Step.class::cast)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aRunThatIsResumedDrawsTheSameThresholds() throws IOException {
        List<TrainingEvent> whole = SmallRun.run(plan("whole", true));
        AtomicInteger asked = new AtomicInteger();
        List<TrainingEvent> begun = new ArrayList<>();
        SmallRun.events(plan("resumed", true), () -> asked.incrementAndGet() > 9)
                .doOnNext(begun::add)
                .blockLast();
        assertThat(begun.getLast()).isInstanceOf(TrainingEvent.Stopped.class);
        List<String> steps = new ArrayList<>(SmallRun.steps(begun));
        steps.addAll(SmallRun.steps(SmallRun.run(plan("resumed", true))));
        assertThat(steps).isEqualTo(SmallRun.steps(whole));
        assertThat(Files.mismatch(temporary.resolve("resumed/model.gguf"), temporary.resolve("whole/model.gguf")))
                .isEqualTo(-1);
    }

    @Test
    void theModelKeepsItsOwnThresholdAndCanBeDialled() throws IOException {
        SmallRun.run(plan("run", true));
        Path model = temporary.resolve("run/model.gguf");
        Path text = Files.writeString(temporary.resolve("text.txt"), "the cat sees the dog of the cat. ".repeat(20));
        double before = -1;
        for (double threshold : new double[] {0.4, 0.5, 0.6}) {
            EvaluationReport report = Lte.evaluate(
                    model,
                    EvaluationRequest.of(EvaluationTask.TEXT, text, r -> r.threshold(threshold)),
                    LoadOptions.of(o -> o.backend("reference")));
            assertThat(report.sparsity().mean()).as("at %s", threshold).isGreaterThan(before);
            before = report.sparsity().mean();
        }
        assertThat(ModelFiles.inspect(model).metadata().get("lte.threshold")).isEqualTo("0.5");
    }

    @Test
    void rangesAreForExpertsThatAreOnOrOff() {
        assertThatThrownBy(() -> Stage.learned(Recipe.RAMP, s -> s.steps(1).thresholdRange(0.3, 0.7)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("STRAIGHT_THROUGH");
        assertThatThrownBy(() -> Stage.dense(s -> s.steps(1).thresholdRange(0.3, 0.7)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("hard stage");
        for (double[] bad : new double[][] {{0.7, 0.3}, {0.5, 0.5}, {0, 0.5}, {0.5, 1}, {Double.NaN, 0.5}}) {
            assertThatThrownBy(() -> Stage.hard(s -> s.steps(1).thresholdRange(bad[0], bad[1])))
                    .as("%s to %s", bad[0], bad[1])
                    .isInstanceOf(InvalidRequestException.class)
                    .hasMessageContaining("thresholdRange");
        }
    }
}
