package dev.lte.cuda;

import dev.lte.backend.RoutingLossSpec;
import org.jspecify.annotations.Nullable;

/** Losses over rows: each row or block leaves its part, and a second kernel adds the parts up. */
final class TrainingLosses {
    private static final int ROUTING_BLOCKS = 528;

    private final TrainingLaunch kernels;

    TrainingLosses(TrainingLaunch kernels) {
        this.kernels = kernels;
    }

    void crossEntropy(
            CudaTensor loss,
            @Nullable CudaTensor dlogits,
            CudaTensor logits,
            CudaTensor targets,
            CudaTensor rowWeights) {
        int rows = logits.rows();
        int columns = logits.columns();
        if (rows == 0) {
            return;
        }
        boolean wide = TrainingLaunch.aligned(logits, 8) && (dlogits == null || TrainingLaunch.aligned(dlogits, 8));
        long parts = kernels.scratch(4L * rows);
        kernels.start()
                .put(parts)
                .putTyped(dlogits)
                .putTyped(logits)
                .put(targets)
                .put(rowWeights);
        kernels.put(columns).put(wide ? columns / 8 * 8 : 0);
        kernels.run("trainCrossEntropy", rows, 1, 1, columns <= 4096 ? 128 : 512);
        kernels.addLosses(loss, parts, 1, rows);
    }

    void distillation(
            CudaTensor loss,
            CudaTensor dlogits,
            CudaTensor logits,
            CudaTensor teacher,
            CudaTensor rowWeights,
            float temperature,
            boolean add) {
        int rows = logits.rows();
        if (rows == 0) {
            return;
        }
        long parts = kernels.scratch(4L * rows);
        kernels.start()
                .put(parts)
                .putTyped(dlogits)
                .putTyped(logits)
                .putTyped(teacher)
                .put(rowWeights);
        kernels.put(logits.columns()).put(temperature).put(add ? 1 : 0);
        kernels.run("trainDistillation", rows, 1, 1, logits.columns() <= 4096 ? 128 : 512);
        kernels.addLosses(loss, parts, 1, rows);
    }

    void routing(
            CudaTensor losses,
            @Nullable CudaTensor dscores,
            CudaTensor scores,
            CudaTensor rowWeights,
            @Nullable CudaTensor factors,
            RoutingLossSpec spec) {
        long count = (long) scores.rows() * scores.columns();
        if (count == 0) {
            return;
        }
        int blocks = Math.clamp((count + 255) / 256, 1, ROUTING_BLOCKS);
        long parts = kernels.scratch(12L * blocks);
        kernels.start().put(parts);
        if (dscores == null) {
            kernels.put(0L).put(0L);
        } else {
            kernels.put(dscores);
        }
        kernels.put(scores).put(rowWeights).put(factors == null ? 0L : factors.address());
        kernels.put(scores.rows()).put(scores.columns());
        kernels.put(spec.efficiency() == RoutingLossSpec.Efficiency.SQUARED ? 1 : 0);
        kernels.put(spec.threshold()).put(spec.guard());
        kernels.run("trainRouting", blocks, 1, 1, 256);
        kernels.addLosses(losses, parts, 3, blocks);
    }
}
