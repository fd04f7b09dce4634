package dev.lte.core.train;

import static dev.lte.core.arch.WeightRole.*;

import dev.lte.UnsupportedModelException;
import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.Gating;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.layer.RopeTable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model in training on one backend: parameters, activations, and the pass forward and backward through all layers. Not
 * thread-safe; one pass at a time.
 *
 * <p>Gradients and losses accumulate over passes until {@link #clear}. Nothing is read back but by {@link #losses},
 * {@link #logits} and {@link #scores}.
 */
public final class TrainingModel implements AutoCloseable {
    private final ModelConfig config;
    private final TrainingOptions options;
    private final KernelQueue queue;
    private final TrainingKernels kernels;
    private final TrainingMemory memory;
    private final Parameters parameters;
    private final EmbeddingLayer embedding;
    private final List<FfnBranch> ffns = new ArrayList<>();
    private final ResidualStream stream;
    private final TaskHead head;
    private final @Nullable TrainableNorm lastNorm;
    private final TrainingMemory.Rows doutput;
    private final Tensor taskLoss;
    private final Tensor routingLosses;
    private final Tensor factors;
    private final BatchTensors inputs;
    private final RepeatedPasses passes;
    private final Repeated clearing;
    private final List<Parameter> all;
    private @Nullable TrainingPass lastPass;
    private @Nullable Teacher teacher;
    private long routedPasses;
    /** Seed of the next pass. */
    private long noise;

    /**
     * @param config of the model; {@link ModelConfig#routing} says whether it has routers
     * @param weights of all parameters
     * @throws UnsupportedModelException if the family has something whose gradient is not known, or the backend cannot train
     */
    public TrainingModel(
            ModelConfig config, WeightValues weights, Backend backend, KernelQueue queue, TrainingOptions options) {
        TrainingKernels training = queue.training();
        if (training == null || !training.supports(options.type())) {
            throw new UnsupportedModelException(
                    "backend " + backend.name() + " cannot train in " + options.type(),
                    "choose another backend or type");
        }
        if (options.topK() != null && !training.supportsTopKScores()) {
            throw new UnsupportedModelException(
                    "backend " + backend.name() + " has no noisy top-k routers", "choose backend cpu or reference");
        }
        if (config.finalSoftcap() > 0) {
            throw new UnsupportedModelException(
                    config.architecture() + " caps its logits, which cannot be trained",
                    "choose a model of another family");
        }
        this.config = config;
        this.options = options;
        this.queue = queue;
        kernels = training;
        memory = new TrainingMemory(backend, options.maxRows(), options.type());
        try {
            parameters = new Parameters(weights, memory, queue, options.type());
            embedding = new EmbeddingLayer(config, parameters, memory);
            taskLoss = memory.allocate(DType.F32, 1, 1);
            routingLosses =
                    memory.allocate(DType.F32, Math.max(1, config.layers().size()), 3);
            factors = memory.allocate(DType.F32, 1, 2);
            lastNorm = TrainableNorm.find(parameters, memory, FINAL_NORM, FINAL_NORM_BIAS, 0, 1, config.norm());
            stream = new ResidualStream(steps(backend), lastNorm, config.model(), memory);
            doutput = memory.activation(config.model());
            head = head();
            inputs = new BatchTensors(config, options, memory, queue);
            passes = new RepeatedPasses(queue);
            clearing = new Repeated(queue, this::fillWithZeros);
            all = parameters.all();
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    private List<ResidualStream.Step> steps(Backend backend) {
        List<AttentionBranch.Rotation> rotations = new ArrayList<>();
        for (ModelConfig.Rope rope : config.ropes()) {
            RopeTable table = RopeTable.of(backend, queue, rope, config.headSize(), options.maxTokens());
            rotations.add(new AttentionBranch.Rotation(memory.adopt(table.table()), table.spec()));
        }
        AttentionBranch.Shared attentions = AttentionBranch.Shared.of(config, memory);
        FfnBranch.Shared hiddens = FfnBranch.Shared.of(config, memory);
        List<ResidualStream.Step> steps = new ArrayList<>();
        for (int layer = 0; layer < config.layers().size(); layer++) {
            int rope = config.layers().get(layer).rope();
            AttentionBranch attention = new AttentionBranch(
                    config, layer, parameters, memory, rope < 0 ? null : rotations.get(rope), attentions);
            Tensor losses = routingLosses.rowRange(layer, layer + 1);
            FfnBranch ffn = new FfnBranch(config, layer, parameters, memory, losses, hiddens, options.topK());
            ffns.add(ffn);
            steps.add(step(layer, attention, norm(ATTENTION_NORM, layer), norm(POST_ATTENTION_NORM, layer)));
            steps.add(step(layer, ffn, norm(FFN_NORM, layer), norm(POST_FFN_NORM, layer)));
        }
        return steps;
    }

    private @Nullable TrainableNorm norm(dev.lte.core.arch.WeightRole role, int layer) {
        NormSpec spec = config.norm();
        dev.lte.core.arch.WeightRole bias = switch (role) {
            case ATTENTION_NORM -> ATTENTION_NORM_BIAS;
            case FFN_NORM -> FFN_NORM_BIAS;
            default -> null;
        };
        return TrainableNorm.find(parameters, memory, role, bias, layer, 1, spec);
    }

    private ResidualStream.Step step(
            int layer, Branch branch, @Nullable TrainableNorm norm, @Nullable TrainableNorm post) {
        if (norm == null) {
            throw new IllegalArgumentException("the model has no norms in layer " + layer);
        }
        return config.normPlacement() == NormPlacement.AFTER
                ? new ResidualStream.Step(branch, null, null, norm)
                : new ResidualStream.Step(branch, norm, post, null);
    }

    private TaskHead head() {
        if (config.classes() > 0) {
            return new ClassificationHead(config, parameters, memory, options.maxSequences());
        }
        Parameter output = parameters.find(0, HEAD);
        return new LanguageHead(output == null ? embedding.tokens() : output, memory, options.logitRows());
    }

    public ModelConfig config() {
        return config;
    }

    public Parameters parameters() {
        return parameters;
    }

    /** Noise of routers depends on this and on the passes since. */
    public void seedNoise(long seed) {
        noise = seed;
    }

    /** Whose predictions {@link #train} learns beside the task from here on; null for nobody's. Stays the caller's. */
    public void setTeacher(@Nullable Teacher model) {
        teacher = model;
    }

    /** Sets gradients and losses to 0, the teacher's too. */
    public void clear() {
        clearing.run();
        if (teacher != null) {
            kernels.fill(teacher.loss(), 0);
        }
        routedPasses = 0;
    }

    private void fillWithZeros() {
        for (Parameter parameter : all) {
            kernels.fill(parameter.gradient(), 0);
        }
        kernels.fill(taskLoss, 0);
        kernels.fill(routingLosses, 0);
    }

    /** Sets losses to 0. */
    public void clearLosses() {
        kernels.fill(taskLoss, 0);
        kernels.fill(routingLosses, 0);
        routedPasses = 0;
    }

    /**
     * Adds the losses of a batch and the gradients of {@code task + eta * efficiency + lambda * separability}, and of what is learnt
     * from a teacher.
     *
     * @param gating how experts act; {@link Gating#NONE} trains the model dense
     * @param routing what the losses of routing are
     * @param eta factor of the efficiency loss; 0 and lambda 0 leave routing out of the loss
     * @param lambda factor of the separability loss
     */
    public void train(TrainingBatch batch, Gating gating, RoutingLossSpec routing, float eta, float lambda) {
        // Where scores have gradients the factors are always there, so that steps with and without them are recorded
        // once.
        boolean objective = eta != 0
                || lambda != 0
                || gating.mode() == Gating.Mode.SOFT
                || gating.mode() == Gating.Mode.STRAIGHT_THROUGH;
        if (objective) {
            int layers = config.layers().size();
            queue.write(factors, new float[] {eta / layers, lambda / layers});
        }
        Tensor objectives = objective ? factors : null;
        TrainingPass pass = inputs.begin(kernels, batch, gating, routing, objectives, true, noise++, teacher);
        if (teacher != null) {
            teacher.begin(batch);
        }
        run(pass, true);
    }

    /** Adds the losses of a batch; gradients stay as they are. */
    public void evaluate(TrainingBatch batch, Gating gating, RoutingLossSpec routing) {
        run(inputs.begin(kernels, batch, gating, routing, null, false, 0, null), true);
    }

    /** As {@link #evaluate}, of a kind of pass that will not come again, for which nothing is recorded. */
    public void evaluateOnce(TrainingBatch batch, Gating gating, RoutingLossSpec routing) {
        run(inputs.begin(kernels, batch, gating, routing, null, false, 0, null), false);
    }

    private void run(TrainingPass pass, boolean recorded) {
        lastPass = pass;
        routedPasses += pass.isRouted() ? 1 : 0;
        if (recorded) {
            passes.run(pass, all, () -> forwardAndBackward(pass));
        } else {
            forwardAndBackward(pass);
        }
    }

    /** Up to what the head reads. */
    void forward(TrainingPass pass) {
        embedding.forward(pass, stream.input(pass));
        stream.forward(pass);
    }

    /** The logits of rows {@code from} to {@code to} of a pass that has run, until the next call. */
    Tensor logits(TrainingPass pass, int from, int to) {
        return head.logits(pass, stream.output(pass), from, to);
    }

    private void forwardAndBackward(TrainingPass pass) {
        forward(pass);
        if (pass.teacher() != null) {
            pass.teacher().forward(pass);
        }
        Tensor x = stream.output(pass);
        Tensor dx = pass.backward() && lastNorm == null ? stream.gradient(pass) : doutput.of(pass);
        head.run(pass, taskLoss, dx, x);
        if (pass.backward()) {
            stream.backward(pass, dx);
            embedding.backward(pass, stream.gradient(pass));
        }
    }

    /** The losses since {@link #clear}; waits for the queue. */
    public Losses losses() {
        float[] task = new float[1];
        float[] routing = new float[routingLosses.rows() * 3];
        queue.read(taskLoss, task);
        queue.read(routingLosses, routing);
        int layers = config.layers().size();
        double efficiency = 0;
        double separability = 0;
        List<Double> sparsity = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            efficiency += (double) routing[3 * layer] / layers;
            separability += (double) routing[3 * layer + 1] / layers;
            sparsity.add(routedPasses == 0 ? 0 : 1 - (double) routing[3 * layer + 2]);
        }
        return new Losses(task[0], efficiency, separability, sparsity);
    }

    /** The logits of the last {@link #evaluate}, (T, V) or (B, classes); waits for the queue. */
    public float[] logits() {
        TrainingPass pass = lastPass();
        int rows = head.logitRows(pass);
        int outputs = head.outputs();
        float[] logits = new float[Math.multiplyExact(rows, outputs)];
        int chunk = config.classes() > 0 ? rows : options.logitRows();
        for (int from = 0; from < rows; from += chunk) {
            int to = Math.min(rows, from + chunk);
            float[] part = new float[(to - from) * outputs];
            queue.read(head.logits(pass, stream.output(pass), from, to), part);
            System.arraycopy(part, 0, logits, from * outputs, part.length);
        }
        return logits;
    }

    /** The scores of a layer in the last pass, (T, N), empty if it was dense; waits for the queue. */
    public float[] scores(int layer) {
        Tensor scores = ffns.get(layer).scores(lastPass());
        if (scores == null) {
            return new float[0];
        }
        float[] values = new float[scores.rows() * scores.columns()];
        queue.read(scores, values);
        return values;
    }

    /** What the down projection of a layer multiplied in the last pass, (T, F); waits for the queue. */
    public float[] hidden(int layer) {
        Tensor hidden = ffns.get(layer).hidden(lastPass());
        float[] values = new float[Math.multiplyExact(hidden.rows(), hidden.columns())];
        queue.read(hidden, values);
        return values;
    }

    private TrainingPass lastPass() {
        if (lastPass == null) {
            throw new IllegalStateException("expected a pass to have run");
        }
        return lastPass;
    }

    /** The task's loss so far, (1, 1). */
    public Tensor taskLoss() {
        return taskLoss;
    }

    /** Per layer (L, 3): efficiency and separability losses, and the share of experts above the threshold. */
    public Tensor routingLosses() {
        return routingLosses;
    }

    /** Frees all tensors. */
    @Override
    public void close() {
        passes.close();
        clearing.close();
        memory.close();
    }
}
