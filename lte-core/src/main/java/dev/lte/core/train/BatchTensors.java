package dev.lte.core.train;

import dev.lte.backend.DType;
import dev.lte.backend.Gating;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.core.arch.ModelConfig;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Brings batches to the device. */
final class BatchTensors {
    private final ModelConfig config;
    private final TrainingOptions options;
    private final KernelQueue queue;
    private final Tensor ids;
    private final Tensor positions;
    private final Tensor positionIds;
    private final Tensor typeIds;
    private final Tensor starts;
    private final Tensor targets;
    private final Tensor weights;
    private final Tensor routingWeights;

    BatchTensors(ModelConfig config, TrainingOptions options, TrainingMemory memory, KernelQueue queue) {
        this.config = config;
        this.options = options;
        this.queue = queue;
        int rows = options.maxRows();
        ids = memory.allocate(DType.I32, rows, 1);
        positions = memory.allocate(DType.I32, rows, 1);
        positionIds = memory.allocate(DType.I32, rows, 1);
        typeIds = memory.allocate(DType.I32, rows, 1);
        starts = memory.allocate(DType.I32, options.maxSequences() + 1, 1);
        targets = memory.allocate(DType.I32, rows, 1);
        weights = memory.allocate(DType.F32, rows, 1);
        routingWeights = memory.allocate(DType.F32, rows, 1);
    }

    /** @throws IllegalArgumentException if the batch is larger than the options say, or not for this kind of model */
    TrainingPass begin(
            TrainingKernels kernels,
            TrainingBatch batch,
            Gating gating,
            RoutingLossSpec routing,
            @Nullable Tensor factors,
            boolean backward,
            long noise,
            @Nullable Teacher teacher) {
        check(batch);
        int rows = batch.rows();
        int[] position = new int[rows];
        for (int b = 0; b < batch.sequences(); b++) {
            for (int t = batch.starts()[b]; t < batch.starts()[b + 1]; t++) {
                position[t] = t - batch.starts()[b];
            }
        }
        int[] shifted =
                Arrays.stream(position).map(p -> p + config.positionOffset()).toArray();
        float[] share = new float[rows];
        Arrays.fill(share, 0, batch.tokens(), batch.routingWeight());
        int outputs = batch.targets().length;
        return new TrainingPass(
                kernels,
                rows,
                written(ids, batch.ids()),
                written(positions, position),
                written(positionIds, shifted),
                typeIds.rowRange(0, rows),
                written(starts, batch.starts()),
                starts.rowRange(0, batch.sequences()),
                written(targets, batch.targets()),
                written(weights, batch.weights(), outputs),
                written(routingWeights, share, rows),
                gating,
                routing,
                factors,
                backward,
                noise,
                teacher);
    }

    private Tensor written(Tensor all, int[] values) {
        Tensor tensor = all.rowRange(0, values.length);
        queue.write(tensor, values);
        return tensor;
    }

    private Tensor written(Tensor all, float[] values, int rows) {
        Tensor tensor = all.rowRange(0, rows);
        queue.write(tensor, values);
        return tensor;
    }

    private void check(TrainingBatch batch) {
        if (batch.rows() > options.maxRows() || batch.sequences() > options.maxSequences()) {
            throw new IllegalArgumentException("expected at most " + options.maxRows() + " rows in "
                    + options.maxSequences() + " sequences, found " + batch.rows() + " in " + batch.sequences());
        }
        int longest = Math.min(options.maxTokens(), config.contextLength());
        for (int b = 0; b < batch.sequences(); b++) {
            int length = batch.starts()[b + 1] - batch.starts()[b];
            if (length < 0 || length > longest) {
                throw new IllegalArgumentException(
                        "expected sequences of at most " + longest + " tokens, found one of " + length);
            }
        }
        int outputs = config.classes() > 0 ? batch.sequences() : batch.rows();
        if (batch.targets().length != outputs) {
            throw new IllegalArgumentException("expected " + outputs + " targets, found " + batch.targets().length);
        }
        for (int id : batch.ids()) {
            if (id < 0 || id >= config.vocabulary()) {
                throw new IllegalArgumentException("expected token ids below " + config.vocabulary() + ", found " + id);
            }
        }
    }
}
