package dev.lte.core.train;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import dev.lte.core.arch.ModelConfig;

/**
 * A dense model whose predictions another learns beside the task, on the same backend and queue:
 * {@code weight * sum over v of p (log p - log s)} with the teacher's probabilities p and the model's s, as a mean over what the task
 * counts (Hinton et al., 2015, at temperature 1). It runs forward on every batch, and takes the memory of a model in training.
 */
public final class Teacher implements AutoCloseable {
    private static final float TEMPERATURE = 1;

    private final TrainingModel model;
    private final KernelQueue queue;
    private final TrainingMemory memory;
    private final float weight;
    private final Tensor rowWeights;
    private final Tensor dlogits;
    private final Tensor loss;

    /**
     * @param config as the model's that learns, but dense
     * @param options as of that model
     * @param weight of the loss, above 0
     */
    public Teacher(
            ModelConfig config,
            WeightValues weights,
            Backend backend,
            KernelQueue queue,
            TrainingOptions options,
            double weight) {
        if (config.routing() != null) {
            throw new IllegalArgumentException("expected a dense teacher, found " + config.routing());
        }
        this.queue = queue;
        this.weight = (float) weight;
        memory = new TrainingMemory(backend, options.maxRows(), options.type());
        try {
            boolean classes = config.classes() > 0;
            int rows = classes ? options.maxSequences() : Math.min(options.logitRows(), options.maxRows());
            int outputs = classes ? config.classes() : config.vocabulary();
            rowWeights = memory.allocate(DType.F32, options.maxRows(), 1);
            dlogits = memory.allocate(options.type(), rows, outputs);
            loss = memory.allocate(DType.F32, 1, 1);
            model = new TrainingModel(config, weights, backend, queue, options);
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    /** Times its weight, accumulated since {@link TrainingModel#clear} of the model that learns, (1, 1). */
    public Tensor loss() {
        return loss;
    }

    /** Brings what a batch counts for to the device. */
    void begin(TrainingBatch batch) {
        float[] weights = batch.weights().clone();
        for (int i = 0; i < weights.length; i++) {
            weights[i] *= weight;
        }
        queue.write(rowWeights.rowRange(0, weights.length), weights);
    }

    /** Runs on a pass of the model that learns. */
    void forward(TrainingPass pass) {
        model.forward(pass.ofTeacher());
    }

    /** Where the gradient of some logits goes: where the logits are, they are still needed. */
    Tensor gradientRows(int rows) {
        return dlogits.rowRange(0, rows);
    }

    /**
     * Adds the loss, and its gradient to that of the task.
     *
     * @param dlogits of {@link #gradientRows}
     * @param logits of rows {@code from} to {@code to}
     */
    void teach(TrainingPass pass, Tensor dlogits, Tensor logits, int from, int to) {
        Tensor taught = model.logits(pass.ofTeacher(), from, to);
        Tensor weights = rowWeights.rowRange(from, to);
        pass.kernels().distillation(loss, dlogits, logits, taught, weights, TEMPERATURE, Write.ADD);
    }

    @Override
    public void close() {
        model.close();
        memory.close();
    }
}
