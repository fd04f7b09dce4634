package dev.lte.core.trainer;

import dev.lte.ModelFormatException;
import dev.lte.backend.DType;
import dev.lte.backend.Gating;
import dev.lte.backend.TopKSpec;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.data.DataPosition;
import dev.lte.core.sparse.CoActivations;
import dev.lte.core.train.ModelGrouping;
import dev.lte.core.train.Parameters;
import dev.lte.core.train.RoutedValues;
import dev.lte.core.train.Teacher;
import dev.lte.core.train.TrainingBatch;
import dev.lte.core.train.TrainingModel;
import dev.lte.core.train.TrainingOptions;
import dev.lte.core.train.WeightValues;
import dev.lte.train.NonFiniteLossException;
import dev.lte.train.Precision;
import dev.lte.train.Recipe;
import dev.lte.train.Stage;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The model of a run and its way through the stages: it gets its routers before the first stage that has them, is evaluated and
 * written to checkpoints in between, and is the best or last state of a stage at its end.
 */
final class ModelInTraining implements StageRunner.StageCallbacks, AutoCloseable {
    /** Logits that exist at a time: enough rows for fast products, and no more memory than caches of the host have. */
    private static final int LOGITS = 1 << 23;

    private static final int LEAST_LOGIT_ROWS = 256;

    /** That co-activations are counted for, so that they come from several batches. */
    private static final int TOKENS_OF_A_PASS = 256;

    /**
     * Deviation of what noisy top-k routers add to logits. With 1, logits come to lie so far apart that the softmax leaves one
     * expert.
     */
    private static final float NOISE = 0.1f;

    private final Run run;
    private final TrainingPlan plan;
    private final RunState state;
    private final PassShape passes;
    private final @Nullable Evaluator evaluator;
    private @Nullable TrainingModel model;
    private @Nullable StageRunner runner;
    private @Nullable Teacher teacher;

    ModelInTraining(Run run) {
        this.run = run;
        plan = run.plan();
        state = run.state();
        int batch = plan.stages().stream().mapToInt(Stage::batch).max().orElseThrow();
        passes = run.data().passShape(batch);
        Path development = plan.data().development();
        evaluator = development == null ? null : new Evaluator(run.data(), development, batch);
    }

    private TrainingModel model() {
        if (model == null) {
            throw new IllegalStateException("no model yet");
        }
        return model;
    }

    ModelConfig config() {
        return model().config();
    }

    long parameterCount() {
        return model().parameters().count();
    }

    WeightValues weights() {
        return model().parameters()::value;
    }

    double lastEta() {
        return state.eta;
    }

    private int layers() {
        return config().layers().size();
    }

    /** A new run. */
    void begin(ModelConfig config, WeightValues weights) {
        build(config, weights);
    }

    /** From a checkpoint, whose state the run has already. */
    void resume(ModelConfig start, CheckpointFile checkpoint) {
        boolean routed = start.routing() != null;
        for (int stage = 0; stage <= Math.min(state.stage, plan.stages().size() - 1); stage++) {
            routed |= plan.stages().get(stage).routing() != Stage.Routing.DENSE;
        }
        build(routed ? start.withRouting(routing(start)) : start, checkpoint);
        if (state.stage < plan.stages().size()) {
            runner = new StageRunner(run, settings(), model(), teacher());
            checkpoint.restore(model().parameters(), layers(), true);
            runner.restore();
        }
    }

    private ModelConfig.Routing routing(ModelConfig config) {
        ModelConfig.Routing own = config.routing();
        return own != null ? own : new ModelConfig.Routing(plan.expertSize(), (float) plan.threshold(), topK(config));
    }

    /** Experts that noisy top-k routers run; 0 if the plan has none. */
    private int topK(ModelConfig config) {
        int experts = config.ffn() / plan.expertSize();
        return plan.stages().stream()
                .filter(stage -> stage.recipe() == Recipe.NOISY_TOP_K)
                .mapToInt(stage -> Math.max(1, (int) Math.round(experts * (1 - stage.targetSparsity()))))
                .findFirst()
                .orElse(0);
    }

    private void build(ModelConfig config, WeightValues weights) {
        if (model != null) {
            model.close();
            model = null;
        }
        model = new TrainingModel(config, weights, run.backend(), run.queue(), options(config));
    }

    private TrainingOptions options(ModelConfig config) {
        return new TrainingOptions(
                plan.precision() == Precision.F32 ? DType.F32 : DType.BF16,
                passes.rows(),
                passes.sequences(),
                plan.maxTokens(),
                Math.max(LEAST_LOGIT_ROWS, LOGITS / config.vocabulary()),
                topK(config.routing()));
    }

    /** Whom the model learns from in the state's stage, or null. */
    private @Nullable Teacher teacher() {
        if (teacher != null) {
            teacher.close();
            teacher = null;
        }
        double weight = plan.stages().get(state.stage).distillation();
        if (weight > 0) {
            ModelConfig dense = config().withRouting(null);
            try (CheckpointFile file = CheckpointFile.open(run.folder().teacher())) {
                teacher = new Teacher(dense, file, run.backend(), run.queue(), options(dense), weight);
            }
        }
        return teacher;
    }

    private static @Nullable TopKSpec topK(ModelConfig.@Nullable Routing routing) {
        return routing == null || routing.topK() == 0 ? null : new TopKSpec(routing.topK(), NOISE);
    }

    private StageSettings settings() {
        return StageSettings.of(plan, plan.stages().get(state.stage), run.steps(state.stage), threshold());
    }

    /** Above which experts run: fitted to a target, or the model's own, or the plan's. */
    private float threshold() {
        return state.threshold > 0 ? (float) state.threshold : routing(config()).threshold();
    }

    /** The configuration of the model that is written. */
    ModelConfig finished() {
        ModelConfig.Routing routing = config().routing();
        return routing == null
                ? config()
                : config().withRouting(new ModelConfig.Routing(routing.expertSize(), threshold(), routing.topK()));
    }

    /** What the stage is to reach, or to hold if routers learnt to reach it in a stage before; 0 for none. */
    private double target() {
        Stage stage = plan.stages().get(state.stage);
        for (int i = state.stage; i >= 0 && stage.routing() != Stage.Routing.DENSE; i--) {
            Stage learned = plan.stages().get(i);
            if (learned.routing() == Stage.Routing.LEARNED) {
                return learned.recipe() == Recipe.NOISY_TOP_K ? 0 : learned.targetSparsity();
            }
        }
        return 0;
    }

    /** Moves the threshold so that the model has the sparsity that is asked for. */
    private void calibrate() {
        double target = target();
        if (target == 0) {
            return;
        }
        StageSettings settings = settings();
        int batch = settings.stage().batch();
        try (RunData.Steps data = run.data().training(batch, plan.seed() + state.stage, DataPosition.START)) {
            ThresholdCalibration calibration =
                    new ThresholdCalibration(model(), settings.routing(), data, Math.max(1, settings.steps() / 4));
            state.threshold =
                    calibration.find(target, threshold(), routing(config()).threshold());
            state.sparsity = calibration.sparsity((float) state.threshold);
        }
    }

    /** Goes to the begin of the state's stage; gives the model routers if the stage needs them. */
    void beginStage() {
        if (runner != null) {
            runner.close();
            runner = null;
        }
        if (state.stage == plan.stages().size()) {
            return;
        }
        if (plan.stages().get(state.stage).routing() != Stage.Routing.DENSE && config().routing() == null) {
            addRouting();
        }
        runner = new StageRunner(run, settings(), model(), teacher());
        checkpoint();
    }

    private void addRouting() {
        long begin = System.nanoTime();
        ModelConfig routed = config().withRouting(routing(config()));
        if (plan.stages().stream().anyMatch(stage -> stage.distillation() > 0)) {
            Path file = run.folder().teacher();
            CheckpointFile.write(file, state, PlanDigest.of(plan), model().parameters(), layers(), false);
        }
        HostWeights weights = HostWeights.of(model().parameters(), layers());
        int threads = plan.threads() > 0 ? plan.threads() : Runtime.getRuntime().availableProcessors();
        ModelGrouping grouping = ModelGrouping.of(
                weights, routed, plan.expertSize(), plan.grouping(), this::coActivations, plan.seed(), threads);
        build(routed, new RoutedValues(weights, grouping.groupings(), NewRouters.of(routed, plan.seed())));
        Duration time = Duration.ofNanos(System.nanoTime() - begin);
        run.emit(new TrainingEvent.Grouped(plan.grouping(), routed.experts(), grouping.objectives(), time));
    }

    /** What the dense model activates for the data of the stage that begins. */
    private List<CoActivations> coActivations() {
        List<CoActivations> samples = IntStream.range(0, layers())
                .mapToObj(layer -> new CoActivations(config().ffn(), CoActivations.TOKENS))
                .toList();
        int ffn = config().ffn();
        int batch = settings().stage().batch();
        try (RunData.Steps steps = run.data().training(batch, plan.seed() + state.stage, DataPosition.START)) {
            while (!samples.getFirst().isFull()) {
                StepBatches step = steps.next();
                if (step == null) {
                    break;
                }
                for (TrainingBatch pass : step.passes()) {
                    model().evaluate(pass, Gating.NONE, settings().routing());
                    for (int layer = 0; layer < layers(); layer++) {
                        float[] hidden = model().hidden(layer);
                        int stride = Math.max(1, pass.tokens() / TOKENS_OF_A_PASS);
                        for (int t = 0; t < pass.tokens() && !samples.get(layer).isFull(); t += stride) {
                            float[] token = Arrays.copyOfRange(hidden, t * ffn, (t + 1) * ffn);
                            samples.get(layer).add(token, config().activation());
                        }
                    }
                }
            }
        }
        return samples;
    }

    /** @return whether all stages are complete; else the run is to end */
    boolean runStages() {
        while (state.stage < plan.stages().size()) {
            StageRunner current = runner;
            if (current == null) {
                throw new IllegalStateException("the stage has not begun");
            }
            Stage stage = plan.stages().get(state.stage);
            run.emit(new TrainingEvent.StageStarted(state.stage, stage.routing(), run.steps(state.stage)));
            if (!current.run(this)) {
                return false;
            }
            chooseBest(stage);
            state.beginStage(state.stage + 1);
            beginStage();
        }
        if (run.lastCheckpoint() == null || !run.folder().checkpoint(state.step).equals(run.lastCheckpoint())) {
            checkpoint();
        }
        return true;
    }

    private void chooseBest(Stage stage) {
        state.modelStep = state.step;
        TrainingEvent.Evaluated best = state.best;
        if (!choosesBest(stage) || best == null || best.step() == state.step) {
            return;
        }
        try (CheckpointFile file = CheckpointFile.open(run.folder().best())) {
            if (file.state().step != best.step()) {
                throw new ModelFormatException(
                        file.path(),
                        "step",
                        ModelFormatException.NO_OFFSET,
                        "the state of step " + best.step() + ", the best of the stage",
                        "that of step " + file.state().step,
                        "begin the run again in another folder");
            }
            file.restore(model().parameters(), layers(), false);
            state.threshold = file.state().threshold;
        }
        state.current = best;
        state.modelStep = best.step();
    }

    private boolean choosesBest(Stage stage) {
        return plan.chooseBest() && stage.routing() != Stage.Routing.LEARNED;
    }

    @Override
    public void adjust(boolean last) {
        if (last || plan.stages().get(state.stage).routing() == Stage.Routing.HARD) {
            calibrate();
            if (runner != null) {
                runner.apply(settings());
            }
        }
    }

    @Override
    public void evaluate(boolean last) {
        if (evaluator == null) {
            return;
        }
        StageSettings settings = settings();
        TrainingEvent.Evaluated found = evaluator.evaluate(model(), settings.served(), settings.routing(), state);
        if (!Double.isFinite(found.natsPerToken())) {
            throw new NonFiniteLossException(
                    "a loss of " + found.natsPerToken() + " on the development set",
                    state.step,
                    String.valueOf(plan.data().development()),
                    run.lastCheckpoint());
        }
        boolean best = state.best == null || found.natsPerToken() < state.best.natsPerToken();
        TrainingEvent.Evaluated event = new TrainingEvent.Evaluated(
                found.step(),
                found.stage(),
                found.natsPerToken(),
                found.natsPerCharacter(),
                found.accuracy(),
                found.sparsity(),
                found.layerSparsity(),
                best);
        state.current = event;
        if (best) {
            state.best = event;
            if (choosesBest(settings.stage()) && !last) {
                Parameters parameters = model().parameters();
                CheckpointFile.write(run.folder().best(), state, PlanDigest.of(plan), parameters, layers(), false);
            }
        }
        run.emit(event);
    }

    @Override
    public void checkpoint() {
        Path file = run.folder().checkpoint(state.step);
        CheckpointFile.write(file, state, PlanDigest.of(plan), model().parameters(), layers(), true);
        run.setLastCheckpoint(file);
        run.folder().prune(plan.keepCheckpoints());
        run.emit(new TrainingEvent.CheckpointWritten(state.step, file));
    }

    @Override
    public void close() {
        if (runner != null) {
            runner.close();
        }
        if (model != null) {
            model.close();
        }
        if (teacher != null) {
            teacher.close();
        }
    }
}
