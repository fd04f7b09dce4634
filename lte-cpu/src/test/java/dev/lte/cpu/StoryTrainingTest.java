package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lte.Completed;
import dev.lte.GenerationRequest;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import dev.lte.train.Recipe;
import dev.lte.train.Stage;
import dev.lte.train.StartingPoint;
import dev.lte.train.Training;
import dev.lte.train.TrainingData;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A real model learns routing from real text: TinyStories-656K on stories, in under a minute of two cores. */
class StoryTrainingTest {
    private static final double TARGET = 0.6;

    @TempDir
    Path temporary;

    private final Path model = Path.of("..", "examples", "models", "tinystories-656k.gguf");
    private Path train = Path.of("");
    private Path development = Path.of("");

    @BeforeEach
    void files() throws IOException {
        train = resource("stories-train.txt.gz");
        development = resource("stories-dev.txt.gz");
    }

    private Path resource(String name) throws IOException {
        Path file = temporary.resolve(name);
        try (InputStream in = Objects.requireNonNull(StoryTrainingTest.class.getResourceAsStream(name), name)) {
            Files.copy(in, file);
        }
        return file;
    }

    private TrainingPlan plan(Path folder, Recipe recipe, double target, int steps) {
        TrainingData stories = TrainingData.of(TrainingData.Format.TEXT, train);
        return TrainingPlan.of(p -> p.start(new StartingPoint.ExistingModel(model))
                .data(new TrainingData(
                        TrainingData.Format.TEXT,
                        train,
                        development,
                        "<|endoftext|>",
                        stories.prompt(),
                        stories.completion(),
                        stories.shuffleBuffer()))
                .folder(folder)
                .backend("cpu")
                .threads(2)
                .maxTokens(128)
                .checkpointEvery(50)
                .seed(1)
                .stage(Stage.learned(
                        recipe, s -> s.steps(steps).batch(8).rate(3e-4).targetSparsity(target)))
                .stage(Stage.hard(s -> s.steps(2 * steps / 3).batch(8).rate(3e-4))));
    }

    @ParameterizedTest
    @CsvSource({
        "RAMP, 0.3", "RAMP, 0.5", "RAMP, 0.7", "RAMP, 0.85",
        "STRAIGHT_THROUGH, 0.3", "STRAIGHT_THROUGH, 0.5", "STRAIGHT_THROUGH, 0.7", "STRAIGHT_THROUGH, 0.85"
    })
    @Tag("long")
    void theSparsityThatIsAskedForIsReached(Recipe recipe, double target) {
        List<TrainingEvent> events = run(plan(temporary.resolve("run"), recipe, target, 200));
        TrainingEvent.Completed completed = (TrainingEvent.Completed) events.getLast();
        assertThat(completed.sparsity()).as("%s, asked for %s", recipe, target).isCloseTo(target, within(0.03));
    }

    @Test
    void sparsityRisesAndTheLossRecovers() {
        List<TrainingEvent> events = run(plan(temporary.resolve("run"), Recipe.RAMP, TARGET, 120));
        List<TrainingEvent.Step> steps = of(events, TrainingEvent.Step.class);
        List<TrainingEvent.Evaluated> evaluations = of(events, TrainingEvent.Evaluated.class);
        TrainingEvent.Completed completed = (TrainingEvent.Completed) events.getLast();
        assertThat(completed.sparsity()).isCloseTo(TARGET, within(0.03));
        assertThat(evaluations).hasSize(2);
        assertThat(evaluations.get(1).natsPerCharacter())
                .isLessThan(evaluations.get(0).natsPerCharacter());
        double beginning = mean(steps.subList(0, 5));
        double end = mean(steps.subList(steps.size() - 20, steps.size()));
        assertThat(end)
                .as("loss at the end, %s at the begin with random routers", beginning)
                .isLessThan(beginning);
        served(completed);
    }

    private static double mean(List<TrainingEvent.Step> steps) {
        return steps.stream()
                .mapToDouble(TrainingEvent.Step::taskLoss)
                .average()
                .orElseThrow();
    }

    /** The model skips as much when it is served. */
    private static void served(TrainingEvent.Completed completed) {
        try (Model loaded =
                Lte.load(completed.model(), LoadOptions.of(o -> o.backend("cpu").threads(2)))) {
            Completed last = (Completed) loaded.generate(GenerationRequest.of(r -> r.prompt("Once upon a time")
                            .maxTokens(100)
                            .ignoreEndOfText(true)
                            .sampling(Sampling.greedy())))
                    .blockLast(Duration.ofMinutes(1));
            // One short text against many.
            assertThat(Objects.requireNonNull(last).sparsity().mean()).isCloseTo(completed.sparsity(), within(0.1));
        }
    }

    @Test
    void aRunThatIsStoppedAndResumedEndsWithTheSameLoss() {
        List<TrainingEvent.Step> whole = of(run(shortPlan("whole")), TrainingEvent.Step.class);
        Training first = Training.of(shortPlan("parts"));
        List<TrainingEvent> stopped = first.events()
                .doOnNext(event -> {
                    if (event instanceof TrainingEvent.Step step && step.step() == 5) {
                        first.stop();
                    }
                })
                .collectList()
                .block(Duration.ofMinutes(1));
        assertThat(Objects.requireNonNull(stopped).getLast()).isInstanceOf(TrainingEvent.Stopped.class);
        List<TrainingEvent.Step> rest = of(run(shortPlan("parts")), TrainingEvent.Step.class);
        assertThat(rest).isNotEmpty();
        assertThat(rest.getLast().taskLoss()).isEqualTo(whole.getLast().taskLoss());
    }

    private TrainingPlan shortPlan(String folder) {
        return TrainingPlan.of(p -> p.start(new StartingPoint.ExistingModel(model))
                .data(TrainingData.of(TrainingData.Format.TEXT, train))
                .folder(temporary.resolve(folder))
                .backend("cpu")
                .threads(2)
                .maxTokens(64)
                .reportEvery(1)
                .stage(Stage.learned(Recipe.RAMP, s -> s.steps(10).batch(4).rate(3e-4)))
                .stage(Stage.hard(s -> s.steps(10).batch(4).rate(3e-4))));
    }

    private static List<TrainingEvent> run(TrainingPlan plan) {
        return Objects.requireNonNull(
                Training.of(plan).events().collectList().block(Duration.ofMinutes(5)), "a run has events");
    }

    private static <T extends TrainingEvent> List<T> of(List<TrainingEvent> events, Class<T> kind) {
        return events.stream().filter(kind::isInstance).map(kind::cast).toList();
    }
}
