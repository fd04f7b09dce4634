package dev.lte.core.trainer;

import dev.lte.backend.AdamWSpec;
import dev.lte.backend.Backend;
import dev.lte.backend.Gating;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.core.train.AdamW;
import dev.lte.core.train.Parameter;
import dev.lte.core.train.Parameters;
import dev.lte.core.train.SparsityController;
import dev.lte.core.train.Teacher;
import dev.lte.core.train.TrainingBatch;
import dev.lte.core.train.TrainingModel;
import dev.lte.train.NonFiniteLossException;
import dev.lte.train.Stage;
import dev.lte.train.TrainingEvent;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The steps of one stage. They are only enqueued; what they cost is read every few steps, and before everything that depends on
 * it: checkpoints, evaluations, the next step where eta is steered.
 */
final class StageRunner implements AutoCloseable {
    private static final float BETA1 = 0.9f;
    private static final float BETA2 = 0.999f;
    private static final float EPSILON = 1e-8f;
    /** Time constant of {@link RunState#sparsity}, in steps. */
    private static final double SPARSITY_STEPS = 20;
    /** Of the threshold in a stage, beside those before evaluations. */
    private static final long ADJUSTMENTS = 4;

    private final Run run;
    private StageSettings settings;
    private final TrainingModel model;
    private final @Nullable Teacher teacher;
    private final AdamW modelOptimizer;
    private final @Nullable AdamW routerOptimizer;
    private final List<Tensor> norms = new ArrayList<>();
    private final StepHistory history;
    private final int reportEvery;
    private final long adjustEvery;
    private final @Nullable SparsityController controller;
    private final List<Taken> pending = new ArrayList<>();

    /** What the host knows of a step that the device has not reported yet. */
    private record Taken(long step, long stageStep, StepBatches batches, double eta, double lambda, double rate) {}

    /**
     * Sets the moments of the optimiser to 0.
     *
     * @param model stays the caller's
     * @param teacher of the stage, or null; stays the caller's
     */
    StageRunner(Run run, StageSettings settings, TrainingModel model, @Nullable Teacher teacher) {
        this.run = run;
        this.settings = settings;
        this.model = model;
        this.teacher = teacher;
        model.setTeacher(teacher);
        Stage stage = settings.stage();
        Backend backend = run.backend();
        KernelQueue queue = run.queue();
        Parameters parameters = model.parameters();
        parameters.setTrained(Parameter.Group.ROUTER, settings.learnsRouting());
        modelOptimizer =
                optimizer(backend, queue, parameters, Parameter.Group.MODEL, stage.weightDecay(), stage.clip());
        routerOptimizer = settings.learnsRouting()
                ? optimizer(backend, queue, parameters, Parameter.Group.ROUTER, stage.routerWeightDecay(), stage.clip())
                : null;
        norms.add(modelOptimizer.squares());
        if (routerOptimizer != null) {
            norms.add(routerOptimizer.squares());
        }
        reportEvery = settings.target() != null ? 1 : run.plan().reportEvery();
        adjustEvery = Math.max(1, settings.steps() / ADJUSTMENTS);
        history = new StepHistory(
                backend, queue, reportEvery, model.config().layers().size(), norms.size());
        controller = controller(settings.target(), run.state());
    }

    private static AdamW optimizer(
            Backend backend,
            KernelQueue queue,
            Parameters parameters,
            Parameter.Group group,
            double weightDecay,
            double clip) {
        List<Parameter> members =
                parameters.all().stream().filter(p -> p.group() == group).toList();
        AdamWSpec spec = new AdamWSpec(BETA1, BETA2, EPSILON, (float) weightDecay);
        return new AdamW(backend, queue, members, spec, (float) clip);
    }

    private static @Nullable SparsityController controller(
            SparsityController.@Nullable Options options, RunState state) {
        if (options == null) {
            return null;
        }
        return state.controller == null
                ? new SparsityController(options)
                : new SparsityController(options, state.controller);
    }

    /** Continues after the steps that the state says, with moments restored by the caller. */
    void restore() {
        modelOptimizer.restore(run.state().stageStep);
        if (routerOptimizer != null) {
            routerOptimizer.restore(run.state().stageStep);
        }
    }

    /** @param changed from the next step on: the same stage with another threshold */
    void apply(StageSettings changed) {
        settings = changed;
    }

    /**
     * Takes steps until the stage is complete or the run is to end.
     *
     * @return whether it is complete; else a checkpoint of this state is due
     */
    boolean run(StageCallbacks callbacks) {
        RunState state = run.state();
        run.clock().skip();
        try (StepFeeder feeder = new StepFeeder(
                run.data().training(settings.stage().batch(), run.plan().seed() + state.stage, state.position))) {
            while (state.stageStep < settings.steps()) {
                if (run.ends()) {
                    report();
                    return false;
                }
                step(feeder.take());
                boolean last = state.stageStep == settings.steps();
                boolean checkpoint = state.stageStep % run.plan().checkpointEvery() == 0 && !last;
                boolean evaluation = run.evaluates(state.stageStep) || last;
                boolean adjustment = evaluation || state.stageStep % adjustEvery == 0;
                if (pending.size() == reportEvery || checkpoint || adjustment) {
                    report();
                }
                if (adjustment) {
                    callbacks.adjust(last);
                    run.clock().skip();
                }
                if (evaluation) {
                    callbacks.evaluate(last);
                    run.clock().skip();
                }
                if (checkpoint) {
                    callbacks.checkpoint();
                    run.clock().skip();
                }
            }
        }
        return true;
    }

    private void step(StepBatches batches) {
        RunState state = run.state();
        long at = state.stageStep;
        double eta = controller != null ? controller.eta() : settings.eta();
        double lambda = settings.learnsRouting() ? settings.lambda().at(at, settings.steps()) : 0;
        double rate = settings.rate().at(at, settings.steps());
        Gating gating = settings.gatingAt(run.plan().seed(), at);
        model.clear();
        model.seedNoise((run.plan().seed() << 40) + (state.step << 12));
        for (TrainingBatch pass : batches.passes()) {
            model.train(pass, gating, settings.routing(), (float) eta, (float) lambda);
        }
        modelOptimizer.step((float) rate);
        if (routerOptimizer != null) {
            routerOptimizer.step((float) settings.routerRate().at(at, settings.steps()));
        }
        history.keep(pending.size(), model, teacher == null ? null : teacher.loss(), norms);
        state.stageStep++;
        state.step++;
        state.position = batches.next();
        state.eta = eta;
        pending.add(new Taken(state.step, state.stageStep, batches, eta, lambda, rate));
    }

    /** Waits for the device, and reports what the steps so far have cost. */
    private void report() {
        if (pending.isEmpty()) {
            return;
        }
        RunState state = run.state();
        List<StepHistory.Measured> measured = history.read(pending.size(), settings.isRouted());
        long tokens =
                pending.stream().mapToLong(taken -> taken.batches().tokens()).sum();
        run.clock().report(pending.size(), tokens);
        for (int i = 0; i < pending.size(); i++) {
            Taken taken = pending.get(i);
            StepHistory.Measured costs = measured.get(i);
            requireFinite(taken, costs);
            if (controller != null && settings.steers(taken.stageStep() - 1)) {
                controller.observe(costs.sparsity());
                state.controller = controller.state();
            }
            double weight = Math.max(1 / SPARSITY_STEPS, 1.0 / taken.stageStep());
            state.sparsity += weight * (costs.sparsity() - state.sparsity);
            run.emit(event(taken, costs));
        }
        pending.clear();
    }

    private void requireFinite(Taken taken, StepHistory.Measured costs) {
        String what = null;
        if (!Double.isFinite(costs.task())) {
            what = "a loss of " + costs.task();
        } else if (!Double.isFinite(costs.efficiency()) || !Double.isFinite(costs.separability())) {
            what = "routing losses of " + costs.efficiency() + " and " + costs.separability();
        } else if (!costs.norms().stream().allMatch(Double::isFinite)) {
            what = "gradients of norm " + costs.norms();
        }
        if (what != null) {
            throw new NonFiniteLossException(what, taken.step(), taken.batches().describe(), run.lastCheckpoint());
        }
    }

    private TrainingEvent.Step event(Taken taken, StepHistory.Measured costs) {
        List<Double> norms = costs.norms();
        return new TrainingEvent.Step(
                taken.step(),
                run.state().stage,
                taken.stageStep(),
                settings.steps(),
                costs.task(),
                teacher == null ? 0 : costs.distillation() / settings.stage().distillation(),
                costs.efficiency(),
                costs.separability(),
                taken.eta(),
                taken.lambda(),
                taken.rate(),
                norms.getFirst(),
                norms.size() > 1 ? norms.get(1) : 0,
                costs.sparsity(),
                costs.layerSparsity(),
                taken.batches().tokens(),
                run.clock().tokensPerSecond(),
                run.clock().remaining(run.totalSteps() - taken.step()));
    }

    @Override
    public void close() {
        history.close();
        modelOptimizer.close();
        if (routerOptimizer != null) {
            routerOptimizer.close();
        }
    }

    /** What happens between steps. */
    interface StageCallbacks {
        /**
         * Before evaluations, and a few times beside: holds the sparsity that was asked for.
         *
         * @param last whether the stage's last step was taken
         */
        void adjust(boolean last);

        /** @param last whether the stage's last step was taken */
        void evaluate(boolean last);

        void checkpoint();
    }
}
