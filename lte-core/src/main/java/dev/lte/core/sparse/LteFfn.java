package dev.lte.core.sparse;

import dev.lte.backend.ExpertSelection;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.Kernels;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;

/**
 * A feed-forward block. With a router, an expert runs exactly if its score is above the row's threshold, unscaled (LTE,
 * equations 1 and 2): scores, thresholding and the sparse product stay on the device. Without, all of it runs.
 *
 * @param router (N, D) or null
 */
public record LteFfn(FfnWeights weights, @Nullable Tensor router) {
    /**
     * @param y (T, D)
     * @param x (T, D), the block's own input, which the router sees too; must not be {@code y}
     */
    public void dense(Kernels kernels, Tensor y, Tensor x, Write write) {
        kernels.denseFfn(y, x, weights, write);
    }

    /**
     * @param scores (T, N), overwritten
     * @param thresholds (T, 1)
     * @param selection T rows, overwritten
     */
    public void routed(
            Kernels kernels,
            Tensor y,
            Tensor x,
            Tensor scores,
            Tensor thresholds,
            ExpertSelection selection,
            Write write) {
        if (router == null) {
            throw new IllegalStateException("expected a block with a router, found a dense one");
        }
        kernels.routerScores(scores, x, router);
        kernels.selectExperts(selection, scores, thresholds);
        kernels.sparseFfn(y, x, weights, selection, write);
    }
}
