package dev.lte.core.trainer;

import dev.lte.backend.BackendOptions;
import dev.lte.core.reference.ReferenceBackendProvider;
import dev.lte.train.Recipe;
import dev.lte.train.Stage;
import dev.lte.train.StartingPoint;
import dev.lte.train.TrainingData;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import reactor.core.publisher.Flux;

/** A run of all three stages that takes a second on plain loops. */
final class SmallRun {
    private static final List<String> NOUNS = List.of("cat", "dog", "bird", "fish", "horse");
    private static final List<String> VERBS = List.of("sees", "likes", "hears", "finds");

    private SmallRun() {}

    /** Prompts and completions that follow a rule. */
    static Path data(Path folder, String name, int examples, long seed) throws IOException {
        SplittableRandom random = new SplittableRandom(seed);
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < examples; i++) {
            String who = NOUNS.get(random.nextInt(NOUNS.size()));
            String what = NOUNS.get(random.nextInt(NOUNS.size()));
            String verb = VERBS.get(random.nextInt(VERBS.size()));
            lines.add("{\"prompt\":\"" + who + " " + verb + "\",\"completion\":\" the " + what + " of the " + who
                    + "\"}");
        }
        return Files.write(folder.resolve(name), lines);
    }

    /** Checkpoints every 2 steps, evaluation every 3, a target for the sparsity. */
    static TrainingPlan plan(Path train, Path development, Path folder, Consumer<TrainingPlan.Builder> changes) {
        return TrainingPlan.of(plan -> {
            plan.start(new StartingPoint.NewModel("llama", 16, 32, 2, 2, 1, 280, 24))
                    .data(TrainingData.of(TrainingData.Format.JSONL, train).development(development))
                    .folder(folder)
                    .maxTokens(24)
                    .tokensPerPass(64)
                    .expertSize(8)
                    .seed(5)
                    .reportEvery(3)
                    .checkpointEvery(2)
                    .keepCheckpoints(100)
                    .evaluateEvery(3)
                    .stage(Stage.dense(s -> s.steps(7).batch(6).rate(3e-2)))
                    .stage(Stage.learned(
                            Recipe.RAMP, s -> s.steps(7).batch(6).rate(1e-2).targetSparsity(0.5)))
                    .stage(Stage.hard(s -> s.steps(5).batch(6).rate(1e-2)));
            changes.accept(plan);
        });
    }

    static Flux<TrainingEvent> events(TrainingPlan plan, BooleanSupplier stopped) {
        return TrainingFlux.of(plan, () -> new ReferenceBackendProvider().open(BackendOptions.defaults()), stopped);
    }

    /** Runs to the end. */
    static List<TrainingEvent> run(TrainingPlan plan) {
        List<TrainingEvent> events = events(plan, () -> false).collectList().block(Duration.ofMinutes(2));
        if (events == null) {
            throw new AssertionError("the run has no events");
        }
        return events;
    }

    /** Losses and sparsity of all steps, without what depends on time. */
    static List<String> steps(List<TrainingEvent> events) {
        List<String> steps = new ArrayList<>();
        for (TrainingEvent event : events) {
            if (event instanceof TrainingEvent.Step step) {
                steps.add(step.step() + ": " + step.taskLoss() + " " + step.efficiencyLoss() + " "
                        + step.separabilityLoss() + " " + step.eta() + " " + step.gradientNorm() + " "
                        + step.layerSparsity());
            }
        }
        return steps;
    }
}
