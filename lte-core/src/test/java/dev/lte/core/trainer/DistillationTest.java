package dev.lte.core.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.InvalidRequestException;
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
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs whose routed stages learn from the dense model before them. */
class DistillationTest {
    private static final int DENSE_STEPS = 8;

    @TempDir
    Path temporary;

    private Path train = Path.of("");
    private Path development = Path.of("");

    @BeforeEach
    void data() throws IOException {
        train = SmallRun.data(temporary, "train.jsonl", 90, 1);
        development = SmallRun.data(temporary, "dev.jsonl", 20, 2);
    }

    private TrainingPlan plan(String folder, double weight) {
        return TrainingPlan.of(plan -> plan.start(new StartingPoint.NewModel("llama", 16, 32, 2, 2, 1, 280, 24))
                .data(TrainingData.of(TrainingData.Format.JSONL, train).development(development))
                .folder(temporary.resolve(folder))
                .maxTokens(24)
                .tokensPerPass(64)
                .expertSize(8)
                .reportEvery(3)
                .checkpointEvery(2)
                .stage(Stage.dense(s -> s.steps(DENSE_STEPS).batch(6).rate(3e-2)))
                .stage(Stage.learned(
                        Recipe.STRAIGHT_THROUGH,
                        s -> s.steps(6).batch(6).rate(1e-2).eta(0.3).distillation(weight)))
                .stage(Stage.hard(s -> s.steps(12).batch(6).rate(1e-2).distillation(weight))));
    }

    private static List<Double> taught(List<TrainingEvent> events) {
        return events.stream()
                .filter(TrainingEvent.Step.class::isInstance)
                .map(event -> ((TrainingEvent.Step) event).distillationLoss())
                .toList();
    }

    @Test
    void aRoutedModelComesNearerToTheDenseOneTheMoreItLearnsFromIt() {
        List<Double> none = taught(SmallRun.run(plan("none", 0)));
        assertThat(none).containsOnly(0.0);
        List<Double> little = taught(SmallRun.run(plan("little", 1e-3)));
        List<Double> much = taught(SmallRun.run(plan("much", 5)));
        assertThat(little.subList(0, DENSE_STEPS)).containsOnly(0.0);
        // Before its first update the model is the same, whatever the weight.
        assertThat((double) little.get(DENSE_STEPS)).isPositive();
        assertThat((float) (double) much.get(DENSE_STEPS))
                .isCloseTo((float) (double) little.get(DENSE_STEPS), within(1e-4f));
        assertThat(mean(much)).isLessThan(0.8 * mean(little));
    }

    /** Of the last steps. */
    private static double mean(List<Double> losses) {
        return losses.subList(losses.size() - 6, losses.size()).stream()
                .mapToDouble(Double::doubleValue)
                .average()
                .orElseThrow();
    }

    @Test
    void aRunThatIsResumedLearnsFromTheSameModel() throws IOException {
        List<String> whole = SmallRun.steps(SmallRun.run(plan("whole", 1)));
        for (int end : new int[] {DENSE_STEPS + 3, DENSE_STEPS + 9}) {
            String folder = "resumed" + end;
            AtomicInteger asked = new AtomicInteger();
            List<TrainingEvent> begun = new ArrayList<>();
            SmallRun.events(plan(folder, 1), () -> asked.incrementAndGet() > end)
                    .doOnNext(begun::add)
                    .blockLast();
            List<String> steps = new ArrayList<>(SmallRun.steps(begun));
            steps.addAll(SmallRun.steps(SmallRun.run(plan(folder, 1))));
            assertThat(steps).as("stopped behind %s steps", end).isEqualTo(whole);
            assertThat(Files.mismatch(temporary.resolve(folder + "/model.gguf"), temporary.resolve("whole/model.gguf")))
                    .isEqualTo(-1);
        }
    }

    @Test
    void recordedStepsAreTheSame() {
        RecordingBackend recording = new RecordingBackend();
        List<TrainingEvent> recorded = TrainingFlux.of(plan("recorded", 1), recording::backend, () -> false)
                .collectList()
                .block();
        List<TrainingEvent> plain = SmallRun.run(plan("plain", 1));
        assertThat(recorded).isNotNull();
        assertThat(SmallRun.steps(recorded)).isEqualTo(SmallRun.steps(plain));
        assertThat(taught(recorded)).isEqualTo(taught(plain));
        assertThat(recording.replayed()).isGreaterThan(2_000);
    }

    @Test
    void thereMustBeADenseModel() {
        assertThatThrownBy(() -> Stage.dense(s -> s.steps(1).distillation(1)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("distillation");
        SmallRun.run(plan("routed", 0));
        TrainingPlan again =
                TrainingPlan.of(p -> p.start(new StartingPoint.ExistingModel(temporary.resolve("routed/model.gguf")))
                        .data(TrainingData.of(TrainingData.Format.JSONL, train))
                        .folder(temporary.resolve("again"))
                        .maxTokens(24)
                        .expertSize(8)
                        .stage(Stage.hard(s -> s.steps(2).distillation(1))));
        assertThatThrownBy(() -> SmallRun.run(again))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("a dense model to begin with");
    }
}
