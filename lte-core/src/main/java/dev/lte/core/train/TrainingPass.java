package dev.lte.core.train;

import dev.lte.backend.Gating;
import dev.lte.backend.RoutingLossSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import org.jspecify.annotations.Nullable;

/**
 * What layers know of the pass that they take part in: the operations, the rows on the device, and how experts are gated.
 *
 * @param rows T
 * @param ids (T, 1) I32
 * @param positions (T, 1) I32, from 0 in each sequence
 * @param positionIds (T, 1) I32, as learned positions are looked up
 * @param typeIds (T, 1) I32, zeros
 * @param starts (B + 1, 1) I32
 * @param firstRows (B, 1) I32, the first row of each sequence
 * @param targets (T, 1) or (B, 1) I32
 * @param weights (T, 1) or (B, 1)
 * @param routingWeights (T, 1)
 * @param gating how scores act; {@link Gating#NONE} runs the model dense
 * @param routing the losses of routing
 * @param factors (1, 2), eta and lambda as {@link TrainingKernels#routingLoss} takes them; null if routing has no part in the loss
 * @param backward whether a backward pass follows
 * @param noise seed of what noisy top-k routers add to their logits
 * @param teacher whose predictions are learnt, or null
 */
record TrainingPass(
        TrainingKernels kernels,
        int rows,
        Tensor ids,
        Tensor positions,
        Tensor positionIds,
        Tensor typeIds,
        Tensor starts,
        Tensor firstRows,
        Tensor targets,
        Tensor weights,
        Tensor routingWeights,
        Gating gating,
        RoutingLossSpec routing,
        @Nullable Tensor factors,
        boolean backward,
        long noise,
        @Nullable Teacher teacher) {
    boolean isRouted() {
        return gating.mode() != Gating.Mode.NONE;
    }

    /** The same rows, through the dense model that teaches. */
    TrainingPass ofTeacher() {
        return new TrainingPass(
                kernels,
                rows,
                ids,
                positions,
                positionIds,
                typeIds,
                starts,
                firstRows,
                targets,
                weights,
                routingWeights,
                Gating.NONE,
                routing,
                null,
                false,
                0,
                null);
    }
}
