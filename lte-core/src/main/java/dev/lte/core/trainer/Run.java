package dev.lte.core.trainer;

import dev.lte.backend.Backend;
import dev.lte.backend.KernelQueue;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What all parts of a run share. Used by the run's thread alone. */
final class Run {
    private final TrainingPlan plan;
    private final Backend backend;
    private final KernelQueue queue;
    private final RunData data;
    private final RunFolder folder;
    private final RunState state;
    private final List<Long> steps;
    private final Consumer<TrainingEvent> events;
    private final BooleanSupplier ends;
    private final RunClock clock = new RunClock();
    private @Nullable Path lastCheckpoint;

    /** @param steps of each stage */
    Run(
            TrainingPlan plan,
            Backend backend,
            KernelQueue queue,
            RunData data,
            RunFolder folder,
            RunState state,
            List<Long> steps,
            Consumer<TrainingEvent> events,
            BooleanSupplier ends) {
        this.plan = plan;
        this.backend = backend;
        this.queue = queue;
        this.data = data;
        this.folder = folder;
        this.state = state;
        this.steps = steps;
        this.events = events;
        this.ends = ends;
    }

    TrainingPlan plan() {
        return plan;
    }

    Backend backend() {
        return backend;
    }

    KernelQueue queue() {
        return queue;
    }

    RunData data() {
        return data;
    }

    RunFolder folder() {
        return folder;
    }

    RunState state() {
        return state;
    }

    RunClock clock() {
        return clock;
    }

    /** Of a stage. */
    long steps(int stage) {
        return steps.get(stage);
    }

    /** Of all stages. */
    long totalSteps() {
        return steps.stream().mapToLong(Long::longValue).sum();
    }

    void emit(TrainingEvent event) {
        events.accept(event);
    }

    /** Whether the run is to end before the next step. */
    boolean ends() {
        return ends.getAsBoolean();
    }

    /** Whether the plan evaluates after this step of a stage. */
    boolean evaluates(long stageStep) {
        return plan.evaluateEvery() > 0 && plan.data().development() != null && stageStep % plan.evaluateEvery() == 0;
    }

    /** The last one that is complete, or null. */
    @Nullable
    Path lastCheckpoint() {
        return lastCheckpoint;
    }

    void setLastCheckpoint(Path file) {
        lastCheckpoint = file;
    }
}
