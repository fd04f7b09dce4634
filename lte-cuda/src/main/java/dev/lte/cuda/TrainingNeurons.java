package dev.lte.cuda;

import dev.lte.backend.Activation;
import dev.lte.backend.Gating;
import org.jspecify.annotations.Nullable;

/** The neurons of feed-forward blocks under the scores of their experts. */
final class TrainingNeurons {
    private static final int LANES = 8;

    private final TrainingLaunch kernels;

    TrainingNeurons(TrainingLaunch kernels) {
        this.kernels = kernels;
    }

    void forward(
            CudaTensor hidden,
            @Nullable CudaTensor gate,
            CudaTensor up,
            @Nullable CudaTensor scores,
            Activation activation,
            Gating gating) {
        int size = expertSize(up, scores);
        int width = TrainingLaunch.width(size, hidden, gate, up);
        kernels.start().putTyped(hidden).putTyped(gate).putTyped(up);
        putScores(scores).put(up.rows()).put(up.columns()).put(size);
        putGating(activation, gating);
        kernels.runOver("trainFfn_" + width, (long) up.rows() * up.columns() / width);
    }

    void backward(
            @Nullable CudaTensor dgate,
            CudaTensor dup,
            @Nullable CudaTensor dscores,
            CudaTensor dhidden,
            @Nullable CudaTensor gate,
            CudaTensor up,
            @Nullable CudaTensor scores,
            Activation activation,
            Gating gating) {
        int size = expertSize(up, scores);
        int width = TrainingLaunch.width(size, dgate, dup, dhidden, gate, up);
        kernels.start().putTyped(dgate).putTyped(dup);
        if (dscores != null) {
            kernels.put(dscores);
        }
        kernels.putTyped(dhidden).putTyped(gate).putTyped(up);
        int experts = up.columns() / size;
        putScores(scores)
                .put(up.rows())
                .put(dscores == null ? up.columns() : experts)
                .put(size);
        putGating(activation, gating);
        if (dscores == null) {
            kernels.runOver("trainFfnBackward_" + width, (long) up.rows() * up.columns() / width);
        } else {
            kernels.runOver("trainFfnBackwardScores_" + width, (long) up.rows() * experts * LANES);
        }
    }

    private static int expertSize(CudaTensor up, @Nullable CudaTensor scores) {
        return scores == null ? up.columns() : up.columns() / scores.columns();
    }

    private TrainingLaunch putScores(@Nullable CudaTensor scores) {
        return scores == null ? kernels.put(0L).put(0L) : kernels.put(scores);
    }

    private void putGating(Activation activation, Gating gating) {
        kernels.put(activation.ordinal()).put(gating.mode().ordinal()).put(gating.threshold());
    }
}
