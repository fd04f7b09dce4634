package dev.lte.core.trainer;

import dev.lte.InvalidRequestException;
import dev.lte.WeightType;
import dev.lte.backend.Backend;
import dev.lte.backend.KernelQueue;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.convert.HubDirectoryWriter;
import dev.lte.core.convert.ModelConverter;
import dev.lte.core.source.ModelSources;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.train.WeightValues;
import dev.lte.train.Recipe;
import dev.lte.train.Stage;
import dev.lte.train.StartingPoint;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One run of a plan, from the first model or the last checkpoint to the finished model. */
final class Trainer {
    private final TrainingPlan plan;
    private final Supplier<Backend> backends;
    private final Consumer<TrainingEvent> events;
    private final BooleanSupplier ends;

    /** @param ends asked between steps */
    Trainer(TrainingPlan plan, Supplier<Backend> backends, Consumer<TrainingEvent> events, BooleanSupplier ends) {
        this.plan = plan;
        this.backends = backends;
        this.events = events;
        this.ends = ends;
    }

    void run() {
        long begin = System.nanoTime();
        try (RunFolder folder = RunFolder.open(plan.folder());
                CheckpointFile checkpoint = folder.latest()) {
            if (checkpoint != null) {
                PlanDigest.requireEqual(checkpoint.plan(), PlanDigest.of(plan), checkpoint.path());
            }
            try (ModelSource start = start(folder, checkpoint != null);
                    Backend backend = backends.get();
                    KernelQueue queue = backend.openQueue()) {
                run(folder, checkpoint, start, backend, queue, begin);
            }
        }
    }

    private ModelSource start(RunFolder folder, boolean resumed) {
        return switch (plan.start()) {
            case StartingPoint.ExistingModel existing -> ModelSources.open(existing.model());
            case StartingPoint.NewModel shape -> {
                Path initial = folder.initialModel();
                if (!resumed) {
                    try (ModelSource created = NewModels.create(
                            shape, RunData.source(plan.data(), plan.data().train()), plan.seed(), initial)) {
                        ModelConverter.convert(created, initial, WeightType.F32, progress -> {});
                    }
                }
                yield ModelSources.open(initial);
            }
        };
    }

    private void run(
            RunFolder folder,
            @Nullable CheckpointFile checkpoint,
            ModelSource start,
            Backend backend,
            KernelQueue queue,
            long begin) {
        RunState state = checkpoint == null ? new RunState() : checkpoint.state();
        RunData data =
                new RunData(plan.data(), start.tokenizer(), start.config(), plan.maxTokens(), plan.tokensPerPass());
        List<Long> steps = new ArrayList<>();
        for (Stage stage : plan.stages()) {
            steps.add(stage.steps() > 0 ? stage.steps() : data.steps(stage.epochs(), stage.batch()));
        }
        Run run = new Run(plan, backend, queue, data, folder, state, steps, events, ends);
        try (ModelInTraining model = new ModelInTraining(run)) {
            if (checkpoint == null) {
                requireRouters(start.config());
                WeightValues weights = WeightValues.of(start);
                model.begin(start.config(), weights);
                emitStarted(run, model, 0);
                model.beginStage();
            } else {
                run.setLastCheckpoint(checkpoint.path());
                model.resume(start.config(), checkpoint);
                // The file may be deleted from here on.
                checkpoint.close();
                emitStarted(run, model, state.step);
            }
            if (!model.runStages()) {
                model.checkpoint();
                events.accept(new TrainingEvent.Stopped(state.step, folder.checkpoint(state.step)));
                return;
            }
            TrainedSource trained = trained(start, model, state);
            ModelConverter.convert(trained, folder.model(), plan.modelType(), progress -> {});
            Path directory = plan.hubDirectory() ? folder.hubDirectory() : null;
            if (directory != null) {
                HubDirectoryWriter.write(trained, directory, plan.modelType(), progress -> {});
            }
            Duration time = Duration.ofNanos(System.nanoTime() - begin);
            events.accept(new TrainingEvent.Completed(
                    folder.model(), directory, state.modelStep, sparsity(model, state), time));
        }
    }

    private void emitStarted(Run run, ModelInTraining model, long step) {
        List<Long> steps = new ArrayList<>();
        for (int stage = 0; stage < plan.stages().size(); stage++) {
            steps.add(run.steps(stage));
        }
        events.accept(new TrainingEvent.Started(
                run.backend().name(),
                run.backend().device().description(),
                model.parameterCount(),
                model.config().vocabulary(),
                steps,
                step));
    }

    private void requireRouters(ModelConfig config) {
        Stage.Routing first = plan.stages().getFirst().routing();
        if (first == Stage.Routing.HARD && config.routing() == null) {
            throw new InvalidRequestException(
                    "stages", "one in which routers learn before a hard one", "a model without");
        }
        if (plan.stages().stream().anyMatch(stage -> stage.routing() != Stage.Routing.DENSE)) {
            Grouping.experts(config.ffn(), plan.expertSize());
        }
        boolean topK = plan.stages().stream().anyMatch(stage -> stage.recipe() == Recipe.NOISY_TOP_K);
        if (config.routing() != null && (topK || config.routing().topK() > 0)) {
            throw new InvalidRequestException(
                    "start", "a dense model, where noisy top-k routers are concerned", "one that has routers");
        }
        if (config.routing() != null && plan.stages().stream().anyMatch(stage -> stage.distillation() > 0)) {
            throw new InvalidRequestException("distillation", "a dense model to begin with", "one that has routers");
        }
        if (config.routing() != null && config.routing().expertSize() != plan.expertSize()) {
            throw new InvalidRequestException(
                    "expertSize", config.routing().expertSize() + ", as the model has it", plan.expertSize());
        }
    }

    private static double sparsity(ModelInTraining model, RunState state) {
        if (model.config().routing() == null) {
            return 0;
        }
        return state.current == null ? state.sparsity : state.current.sparsity();
    }

    private TrainedSource trained(ModelSource start, ModelInTraining model, RunState state) {
        Map<String, Object> provenance = new LinkedHashMap<>();
        for (int i = 0; i < plan.stages().size(); i++) {
            provenance.put(
                    "training.stage" + i, PlanDigest.describe(plan.stages().get(i)));
        }
        provenance.put("training.seed", Long.toString(plan.seed()));
        provenance.put("training.grouping", plan.grouping().toString());
        provenance.put("training.step", (double) state.modelStep);
        if (model.config().routing() != null) {
            provenance.put("training.eta", model.lastEta());
            provenance.put("training.sparsity", sparsity(model, state));
        }
        return new TrainedSource(
                start.path(),
                start.name(),
                model.finished(),
                start.tokenizer(),
                start.chatTemplate(),
                provenance,
                model.weights());
    }
}
