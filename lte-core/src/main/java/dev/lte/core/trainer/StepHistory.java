package dev.lte.core.trainer;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.core.train.TrainingModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Losses and gradient norms of the last steps, on the device: each step copies a few numbers there, and the host waits for the
 * device once for all of them.
 */
final class StepHistory implements AutoCloseable {
    private final Backend backend;
    private final KernelQueue queue;
    private final TrainingKernels kernels;
    private final int layers;
    private final int groups;
    private final Tensor losses;
    private final Tensor routing;
    private final Tensor squares;
    private final Tensor distillation;

    /**
     * What a step measured.
     *
     * @param distillation with its weight
     * @param norms gradient norm of each parameter group
     */
    record Measured(
            double task,
            double distillation,
            double efficiency,
            double separability,
            List<Double> layerSparsity,
            List<Double> norms) {
        double sparsity() {
            return layerSparsity.stream()
                    .mapToDouble(Double::doubleValue)
                    .average()
                    .orElse(0);
        }
    }

    /** @param groups of parameters that are clipped together */
    StepHistory(Backend backend, KernelQueue queue, int capacity, int layers, int groups) {
        this.backend = backend;
        this.queue = queue;
        this.layers = layers;
        this.groups = groups;
        kernels = Objects.requireNonNull(queue.training(), "the backend offers no training");
        losses = backend.allocate(DType.F32, capacity, 1);
        routing = backend.allocate(DType.F32, capacity * Math.max(1, layers), 3);
        squares = backend.allocate(DType.F32, capacity * groups, 1);
        distillation = backend.allocate(DType.F32, capacity, 1);
    }

    /**
     * @param taught what was learnt from a teacher, (1, 1), or null
     * @param norms squared, one a group
     */
    void keep(int index, TrainingModel model, @Nullable Tensor taught, List<Tensor> norms) {
        if (taught != null) {
            kernels.copy(distillation.rowRange(index, index + 1), taught);
        }
        kernels.copy(losses.rowRange(index, index + 1), model.taskLoss());
        int rows = model.routingLosses().rows();
        kernels.copy(routing.rowRange(index * rows, (index + 1) * rows), model.routingLosses());
        for (int group = 0; group < groups; group++) {
            int row = index * groups + group;
            kernels.copy(squares.rowRange(row, row + 1), norms.get(group));
        }
    }

    /**
     * Waits for the device.
     *
     * @param routed whether the steps had routing
     */
    List<Measured> read(int count, boolean routed) {
        float[] task = new float[losses.rows()];
        float[] taught = new float[distillation.rows()];
        float[] route = new float[routing.rows() * 3];
        float[] norm = new float[squares.rows()];
        queue.read(losses, task);
        queue.read(distillation, taught);
        queue.read(routing, route);
        queue.read(squares, norm);
        List<Measured> measured = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double efficiency = 0;
            double separability = 0;
            List<Double> sparsity = new ArrayList<>();
            for (int layer = 0; layer < layers; layer++) {
                int at = 3 * (i * layers + layer);
                efficiency += (double) route[at] / layers;
                separability += (double) route[at + 1] / layers;
                sparsity.add(routed ? Math.clamp(1 - (double) route[at + 2], 0, 1) : 0);
            }
            List<Double> norms = new ArrayList<>();
            for (int group = 0; group < groups; group++) {
                norms.add(Math.sqrt(norm[i * groups + group]));
            }
            measured.add(new Measured(task[i], taught[i], efficiency, separability, sparsity, norms));
        }
        return measured;
    }

    @Override
    public void close() {
        backend.free(losses);
        backend.free(routing);
        backend.free(squares);
        backend.free(distillation);
    }
}
