package dev.lte.core.layer;

import dev.lte.backend.Kernels;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import dev.lte.core.sparse.LteFfn;

/** What stands in the place of a block's FFN. */
@FunctionalInterface
public interface FeedForward {
    /**
     * @param layer index of the block
     * @param out (T, D)
     * @param in (T, D), not {@code out}
     */
    void forward(Kernels kernels, Pass pass, int layer, Tensor out, Tensor in, Write write);

    /** Whether it only enqueues operations, so that a pass can be recorded and run again. */
    default boolean isRecordable() {
        return true;
    }

    /** The LTE block, routed where the pass is. */
    static FeedForward of(LteFfn ffn) {
        return (kernels, pass, layer, out, in, write) -> {
            if (pass.isRouted()) {
                ffn.routed(kernels, out, in, pass.scores(), pass.thresholds(), pass.selection(layer), write);
            } else {
                ffn.dense(kernels, out, in, write);
            }
        };
    }
}
