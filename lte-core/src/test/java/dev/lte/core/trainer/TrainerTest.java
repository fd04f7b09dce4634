package dev.lte.core.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.Completed;
import dev.lte.EvaluationReport;
import dev.lte.EvaluationRequest;
import dev.lte.EvaluationTask;
import dev.lte.GenerationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.UnsupportedModelException;
import dev.lte.WeightType;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.convert.ModelConverter;
import dev.lte.core.source.ModelSources;
import dev.lte.core.train.Matrix;
import dev.lte.core.train.ModelGrouping;
import dev.lte.core.train.RoutedValues;
import dev.lte.core.train.WeightValues;
import dev.lte.train.GroupingMethod;
import dev.lte.train.NonFiniteLossException;
import dev.lte.train.Recipe;
import dev.lte.train.Stage;
import dev.lte.train.StartingPoint;
import dev.lte.train.TrainingData;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TrainerTest {
    @TempDir
    Path temporary;

    private Path train = Path.of("");
    private Path development = Path.of("");

    @BeforeEach
    void data() throws IOException {
        train = SmallRun.data(temporary, "train.jsonl", 90, 1);
        development = SmallRun.data(temporary, "dev.jsonl", 20, 2);
    }

    private TrainingPlan plan(String folder, Consumer<TrainingPlan.Builder> changes) {
        return SmallRun.plan(train, development, temporary.resolve(folder), changes);
    }

    @Test
    void theModelIsServedWithTheSparsityThatItWasEvaluatedWith() {
        // With routers that hardly learn scores stay about where random routers put them, on both sides of the
        // threshold.
        List<TrainingEvent> events = SmallRun.run(TrainingPlan.of(p -> p.start(
                        new StartingPoint.NewModel("llama", 16, 32, 2, 2, 1, 280, 24))
                .data(TrainingData.of(TrainingData.Format.JSONL, train).development(development))
                .folder(temporary.resolve("run"))
                .maxTokens(24)
                .expertSize(8)
                .hubDirectory(true)
                .stage(Stage.learned(
                        Recipe.STRAIGHT_THROUGH,
                        s -> s.steps(4).batch(6).rate(1e-2).routerRate(1e-5).eta(0.1)))
                .stage(Stage.hard(s -> s.steps(4).batch(6).rate(1e-2)))));
        TrainingEvent.Completed completed = (TrainingEvent.Completed) events.getLast();
        assertThat(completed.sparsity()).isBetween(0.01, 0.99);
        LoadOptions reference = LoadOptions.of(o -> o.backend("reference"));
        try (Model model = Lte.load(completed.model(), reference)) {
            assertThat(model.info().routing()).isNotNull();
            assertThat(model.info().routing().experts()).isEqualTo(4);
        }
        try (ModelSource written = ModelSources.open(completed.model())) {
            // GGUF keeps it in single precision.
            assertThat(written.provenance().get("training.sparsity")).isEqualTo((double) (float) completed.sparsity());
            assertThat(String.valueOf(written.provenance().get("training.stage0")))
                    .contains("eta 0.1");
        }
        try (ModelSource file = ModelSources.open(completed.model());
                ModelSource directory = ModelSources.open(Objects.requireNonNull(completed.directory()))) {
            assertThat(directory.config().routing()).isEqualTo(file.config().routing());
            for (WeightRole role : List.of(WeightRole.ROUTER, WeightRole.DOWN)) {
                Matrix one = WeightValues.of(file).find(role, 1);
                Matrix other = WeightValues.of(directory).find(role, 1);
                assertThat(Objects.requireNonNull(other).values())
                        .isEqualTo(Objects.requireNonNull(one).values());
            }
        }
        // The development set again, without training: from the model file, with a stage of one step at no rate to
        // speak of.
        List<TrainingEvent> again =
                SmallRun.run(TrainingPlan.of(p -> p.start(new StartingPoint.ExistingModel(completed.model()))
                        .data(TrainingData.of(TrainingData.Format.JSONL, train).development(development))
                        .folder(temporary.resolve("again"))
                        .maxTokens(24)
                        .expertSize(8)
                        .stage(Stage.hard(s -> s.steps(1).batch(1).rate(1e-12)))));
        TrainingEvent.Evaluated first = last(events);
        TrainingEvent.Evaluated second = last(again);
        // Other passes, so sums in another order: F32.
        assertThat(second.natsPerToken()).isCloseTo(first.natsPerToken(), within(1e-5));
        assertThat(second.sparsity()).isCloseTo(first.sparsity(), within(2e-3));
    }

    /** The evaluation of the state that the model has. */
    private static TrainingEvent.Evaluated last(List<TrainingEvent> events) {
        long step = ((TrainingEvent.Completed) events.getLast()).step();
        return events.stream()
                .filter(TrainingEvent.Evaluated.class::isInstance)
                .map(TrainingEvent.Evaluated.class::cast)
                .filter(evaluated -> evaluated.step() == step)
                .reduce((a, b) -> b)
                .orElseThrow();
    }

    @Test
    void groupingDoesNotChangeWhatADenseModelComputes() throws IOException {
        List<TrainingEvent> events = SmallRun.run(plan("run", p -> {}));
        assertThat(events.stream().filter(TrainingEvent.Grouped.class::isInstance))
                .hasSize(1);
        try (ModelSource initial = ModelSources.open(temporary.resolve("run/initial.gguf"))) {
            WeightValues weights = WeightValues.of(initial);
            Matrix gate = weights.get(WeightRole.GATE, 1);
            ModelGrouping grouping =
                    ModelGrouping.of(weights, initial.config(), 8, GroupingMethod.K_MEANS, List::of, 5, 1);
            WeightValues routed = new RoutedValues(weights, grouping.groupings(), List.of());
            Matrix moved = routed.get(WeightRole.GATE, 1);
            assertThat(moved.values()).isNotEqualTo(gate.values());
            float[] sorted = moved.values().clone();
            float[] before = gate.values().clone();
            java.util.Arrays.sort(sorted);
            java.util.Arrays.sort(before);
            assertThat(sorted).isEqualTo(before);
        }
    }

    @Test
    void coActivationsAreCountedOnTheDataOfTheStage() {
        List<TrainingEvent> events = SmallRun.run(plan("together", p -> p.grouping(GroupingMethod.CO_ACTIVATION)));
        TrainingEvent.Grouped grouped = events.stream()
                .filter(TrainingEvent.Grouped.class::isInstance)
                .map(TrainingEvent.Grouped.class::cast)
                .findFirst()
                .orElseThrow();
        assertThat(grouped.method()).isEqualTo(GroupingMethod.CO_ACTIVATION);
        assertThat(grouped.experts()).isEqualTo(4);
        List<String> steps = SmallRun.steps(events);
        List<String> others = SmallRun.steps(SmallRun.run(plan("apart", p -> {})));
        // The dense stage is the same, and the experts are others.
        assertThat(steps.subList(0, 7)).isEqualTo(others.subList(0, 7));
        assertThat(steps.get(8)).isNotEqualTo(others.get(8));
        assertThat(SmallRun.steps(SmallRun.run(plan("again", p -> p.grouping(GroupingMethod.CO_ACTIVATION)))))
                .isEqualTo(steps);
    }

    @Test
    void passesOfAnySizeGiveTheSameSteps() {
        List<String> parts = SmallRun.steps(SmallRun.run(plan("parts", p -> p.evaluateEvery(0))));
        List<TrainingEvent> whole =
                SmallRun.run(plan("whole", p -> p.evaluateEvery(0).tokensPerPass(1024)));
        for (int i = 0; i < 7; i++) {
            double one = Double.parseDouble(parts.get(i).split(" ")[1]);
            double other = Double.parseDouble(SmallRun.steps(whole).get(i).split(" ")[1]);
            // The same sums in another order, over a few steps.
            assertThat(one).as("loss of step %s", i + 1).isCloseTo(other, within(2e-5 * other));
        }
    }

    @Test
    void aLossThatIsNotFiniteEndsTheRunWithStepBatchAndCheckpoint() throws IOException {
        Path broken = temporary.resolve("broken.gguf");
        SmallRun.run(plan("first", p -> {}));
        int token = breakToken(temporary.resolve("first/initial.gguf"), broken);
        assertThat(token).isPositive();
        List<String> lines = Files.readAllLines(train);
        // The broken token stands in the ninth example: the third step of four.
        lines.set(8, "{\"prompt\":\"a\",\"completion\":\" ~\"}");
        Files.write(train, lines);
        TrainingPlan plan = TrainingPlan.of(p -> p.start(new StartingPoint.ExistingModel(broken))
                .data(new TrainingData(TrainingData.Format.JSONL, train, null, null, "prompt", "completion", 1))
                .folder(temporary.resolve("run"))
                .maxTokens(24)
                .checkpointEvery(2)
                .expertSize(8)
                .stage(Stage.dense(s -> s.steps(9).batch(4).rate(1e-3))));
        assertThatThrownBy(() -> SmallRun.run(plan)).isInstanceOfSatisfying(NonFiniteLossException.class, failure -> {
            assertThat(failure.step()).isEqualTo(3);
            assertThat(failure.batch()).contains("epoch 1, examples from 9");
            assertThat(failure.checkpoint()).isNotNull().exists();
            assertThat(String.valueOf(failure.checkpoint())).contains("step-000000002");
            assertThat(failure).hasMessageContaining("lower rate");
        });
    }

    /** Makes the embedding of '~' no number. */
    private static int breakToken(Path from, Path to) {
        try (ModelSource source = ModelSources.open(from)) {
            int[] ids = source.tokenizer().encode(" ~", false, false);
            int id = ids[ids.length - 1];
            WeightValues weights = WeightValues.of(source);
            WeightValues changed = (role, layer) -> {
                // A head of its own, which has no such row: a target may be the token too.
                Matrix weight = weights.find(role == WeightRole.HEAD ? WeightRole.TOKEN_EMBEDDING : role, layer);
                if (role == WeightRole.TOKEN_EMBEDDING && weight != null) {
                    java.util.Arrays.fill(weight.values(), id * 16, id * 16 + 16, Float.NaN);
                }
                return weight;
            };
            ModelConverter.convert(
                    new TrainedSource(
                            from, "broken", source.config(), source.tokenizer(), null, java.util.Map.of(), changed),
                    to,
                    WeightType.F32,
                    progress -> {});
            return id;
        }
    }

    @Test
    void stepsAreRecordedForFewShapesAndRunFromThere() {
        RecordingBackend recording = new RecordingBackend();
        List<TrainingEvent> recorded = TrainingFlux.of(plan("recorded", p -> {}), recording::backend, () -> false)
                .collectList()
                .block();
        assertThat(recorded).isNotNull();
        assertThat(SmallRun.steps(recorded)).isEqualTo(SmallRun.steps(SmallRun.run(plan("plain", p -> {}))));
        assertThat(recording.replayed()).isGreaterThan(2_000);
        // Passes of three stages and evaluations in some shapes each, clearing, and the optimisers.
        assertThat(recording.recordings()).isBetween(6, 40);
    }

    @Test
    void oneRunAtATimeHasAFolder() {
        AtomicBoolean stop = new AtomicBoolean();
        TrainingPlan plan = plan("run", p -> {});
        SmallRun.events(plan, stop::get)
                .doOnNext(event -> {
                    if (event instanceof TrainingEvent.Started) {
                        assertThatThrownBy(() -> SmallRun.run(plan))
                                .isInstanceOf(InvalidRequestException.class)
                                .hasMessageContaining("no other run is using");
                        stop.set(true);
                    }
                })
                .blockLast();
    }

    @Test
    void whatCannotBeTrainedIsRefusedBeforeAnyWork() {
        assertThatThrownBy(() -> SmallRun.run(plan("long", p -> p.maxTokens(25).tokensPerPass(0))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("maxTokens: expected at most 24");
        assertThatThrownBy(() -> SmallRun.run(plan("size", p -> p.expertSize(7))))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("expertSize: expected a divisor of the 32 neurons");
        TrainingPlan hard = TrainingPlan.of(p -> p.start(new StartingPoint.NewModel("gpt2", 16, 32, 1, 2, 2, 280, 24))
                .data(TrainingData.of(TrainingData.Format.JSONL, train))
                .folder(temporary.resolve("hard"))
                .maxTokens(24)
                .stage(Stage.hard(s -> s.steps(1))));
        assertThatThrownBy(() -> SmallRun.run(hard))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("one in which routers learn before a hard one");
    }

    @Test
    void aGpt2IsTrainedFromScratchByEpochs() {
        TrainingPlan plan = TrainingPlan.of(p -> p.start(new StartingPoint.NewModel("gpt2", 16, 32, 2, 2, 2, 280, 24))
                .data(TrainingData.of(TrainingData.Format.JSONL, train).development(development))
                .folder(temporary.resolve("gpt2"))
                .maxTokens(24)
                .expertSize(8)
                .stage(Stage.dense(s -> s.epochs(1).batch(10).rate(3e-2)))
                .stage(Stage.learned(
                        Recipe.STRAIGHT_THROUGH,
                        s -> s.epochs(0.5).batch(10).rate(1e-2).eta(0.5)))
                .stage(Stage.hard(s -> s.steps(2).batch(10).rate(1e-2))));
        List<TrainingEvent> events = SmallRun.run(plan);
        TrainingEvent.Started started = (TrainingEvent.Started) events.getFirst();
        assertThat(started.steps()).containsExactly(9L, 5L, 2L);
        List<TrainingEvent.Step> steps = events.stream()
                .filter(TrainingEvent.Step.class::isInstance)
                .map(TrainingEvent.Step.class::cast)
                .toList();
        assertThat(steps.get(8).taskLoss()).isLessThan(steps.getFirst().taskLoss() - 0.5);
        assertThat(steps.getFirst().routerGradientNorm()).isZero();
        assertThat(steps.get(9).routerGradientNorm()).isPositive();
        assertThat(steps.getLast().routerGradientNorm()).isZero();
    }

    /**
     * Routers that hardly learn give eta little say; their scores lie about one half, where the threshold is moved, unless
     * what routers see has changed enough by itself.
     */
    @ParameterizedTest
    @EnumSource(value = Recipe.class, mode = EnumSource.Mode.EXCLUDE, names = "NOISY_TOP_K")
    void theThresholdMakesGoodWhatSteeringLeavesOver(Recipe recipe) {
        TrainingPlan plan = TrainingPlan.of(p -> p.start(new StartingPoint.NewModel("llama", 16, 64, 2, 2, 1, 280, 24))
                .data(TrainingData.of(TrainingData.Format.JSONL, train).development(train))
                .folder(temporary.resolve("run"))
                .maxTokens(24)
                .expertSize(4)
                .checkpointEvery(1000)
                .stage(Stage.learned(
                        recipe,
                        s -> s.steps(30).batch(10).rate(1e-3).routerRate(1e-6).targetSparsity(0.7)))
                .stage(Stage.hard(s -> s.steps(2).batch(10).rate(1e-6))));
        List<TrainingEvent> events = SmallRun.run(plan);
        TrainingEvent.Completed completed = (TrainingEvent.Completed) events.getLast();
        // Measured on all texts, found on most of them.
        assertThat(completed.sparsity()).as("%s", recipe).isCloseTo(0.7, within(0.03));
        try (Model model = Lte.load(completed.model(), LoadOptions.of(o -> o.backend("reference")))) {
            double threshold = Objects.requireNonNull(model.info().routing()).threshold();
            assertThat(threshold).isBetween(0.35, 0.65);
            Completed last = (Completed) model.generate(GenerationRequest.of(
                            r -> r.prompt("cat sees").maxTokens(8).ignoreEndOfText(true)))
                    .blockLast();
            assertThat(Objects.requireNonNull(last).sparsity().mean()).isBetween(0.4, 0.95);
        }
    }

    /** Without, this run ends far from what it was asked for: what frozen routers see changes while the model adapts. */
    @Test
    void theThresholdHoldsTheTargetWhileTheModelAdapts() {
        TrainingPlan plan = TrainingPlan.of(p -> p.start(new StartingPoint.NewModel("llama", 16, 64, 2, 2, 1, 280, 24))
                .data(TrainingData.of(TrainingData.Format.JSONL, train).development(train))
                .folder(temporary.resolve("run"))
                .maxTokens(24)
                .expertSize(4)
                .checkpointEvery(1000)
                .evaluateEvery(10)
                .stage(Stage.learned(
                        s -> s.steps(30).batch(10).rate(1e-3).routerRate(1e-3).targetSparsity(0.6)))
                .stage(Stage.hard(s -> s.steps(40).batch(10).rate(1e-2))));
        List<TrainingEvent> events = SmallRun.run(plan);
        List<Double> evaluated = events.stream()
                .filter(TrainingEvent.Evaluated.class::isInstance)
                .map(TrainingEvent.Evaluated.class::cast)
                .filter(evaluation -> evaluation.stage() == 1)
                .map(TrainingEvent.Evaluated::sparsity)
                .toList();
        // Measured on all texts, found on most of them; 16 experts a layer.
        assertThat(evaluated)
                .hasSize(4)
                .allSatisfy(sparsity -> assertThat(sparsity).isCloseTo(0.6, within(0.03)));
        TrainingEvent.Completed completed = (TrainingEvent.Completed) events.getLast();
        assertThat(completed.sparsity()).isCloseTo(0.6, within(0.03));
    }

    @Test
    void noisyTopKRoutersLearnWithTheModelAndAreEvaluatedAsTheyWereTrained() {
        TrainingPlan plan = noisyTopK("top");
        List<TrainingEvent> events = SmallRun.run(plan);
        TrainingEvent.Completed completed = (TrainingEvent.Completed) events.getLast();
        // 5 of 16 experts.
        assertThat(completed.sparsity()).isCloseTo(11 / 16.0, within(1e-6));
        List<TrainingEvent.Step> steps = events.stream()
                .filter(TrainingEvent.Step.class::isInstance)
                .map(TrainingEvent.Step.class::cast)
                .toList();
        assertThat(steps.getLast().taskLoss()).isLessThan(steps.getFirst().taskLoss() - 0.5);
        assertThat(steps.getLast().routerGradientNorm()).isPositive();
        assertThat(SmallRun.steps(SmallRun.run(noisyTopK("again")))).isEqualTo(SmallRun.steps(events));
        LoadOptions reference = LoadOptions.of(o -> o.backend("reference").contextLength(24));
        assertThatThrownBy(() -> Lte.load(completed.model(), reference).close())
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("noisy top-k");
        assertThatThrownBy(() ->
                        SmallRun.run(TrainingPlan.of(p -> p.start(new StartingPoint.ExistingModel(completed.model()))
                                .data(TrainingData.of(TrainingData.Format.JSONL, train))
                                .folder(temporary.resolve("hard"))
                                .maxTokens(24)
                                .expertSize(4)
                                .stage(Stage.hard(s -> s.steps(1))))))
                .hasMessageContaining("noisy top-k");
        Path text = writeText();
        EvaluationReport report =
                Lte.evaluate(completed.model(), EvaluationRequest.of(EvaluationTask.TEXT, text, r -> {}), reference);
        EvaluationReport dense = Lte.evaluate(
                completed.model(),
                EvaluationRequest.of(EvaluationTask.TEXT, text, r -> {}),
                LoadOptions.of(o -> o.backend("reference").contextLength(24).dense(true)));
        assertThat(report.sparsity().mean()).isCloseTo(11 / 16.0, within(1e-6));
        assertThat(report.scores().get("perplexity"))
                .isNotEqualTo(dense.scores().get("perplexity"));
    }

    private Path writeText() {
        try {
            return Files.writeString(temporary.resolve("text.txt"), "cat sees the dog of the cat. ".repeat(10));
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private TrainingPlan noisyTopK(String folder) {
        return TrainingPlan.of(p -> p.start(new StartingPoint.NewModel("llama", 16, 64, 2, 2, 1, 280, 24))
                .data(TrainingData.of(TrainingData.Format.JSONL, train).development(train))
                .folder(temporary.resolve(folder))
                .maxTokens(24)
                .expertSize(4)
                .checkpointEvery(1000)
                .stage(Stage.learned(
                        Recipe.NOISY_TOP_K,
                        s -> s.steps(30).batch(10).rate(1e-2).targetSparsity(0.7))));
    }

    @Test
    void noisyTopKTakesNoLossesOfRoutingAndNoHardStage() {
        assertThatThrownBy(() -> Stage.learned(
                        Recipe.NOISY_TOP_K, s -> s.steps(1).targetSparsity(0.5).lambda(1)))
                .hasMessageContaining("lambda");
        assertThatThrownBy(() -> Stage.learned(Recipe.NOISY_TOP_K, s -> s.steps(1)))
                .hasMessageContaining("targetSparsity");
        assertThatThrownBy(() -> TrainingPlan.of(p -> p.start(
                                new StartingPoint.NewModel("llama", 16, 64, 2, 2, 1, 280, 24))
                        .data(TrainingData.of(TrainingData.Format.JSONL, train))
                        .folder(temporary)
                        .stage(Stage.learned(Recipe.NOISY_TOP_K, s -> s.steps(1).targetSparsity(0.5)))
                        .stage(Stage.hard(s -> s.steps(1)))))
                .hasMessageContaining("NOISY_TOP_K");
    }
}
