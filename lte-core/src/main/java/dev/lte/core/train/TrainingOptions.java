package dev.lte.core.train;

import dev.lte.backend.DType;
import dev.lte.backend.TopKSpec;
import org.jspecify.annotations.Nullable;

/**
 * Sizes and types of a model in training.
 *
 * @param type of parameters in products and of activations: F32, or BF16 beside F32 masters, gradients and residual stream
 * @param maxRows T of the largest batch
 * @param maxSequences B of the largest batch
 * @param maxTokens of the longest sequence
 * @param logitRows rows whose logits over the vocabulary exist at a time
 * @param topK of noisy top-k routers; null for those of LTE
 */
public record TrainingOptions(
        DType type,
        int maxRows,
        int maxSequences,
        int maxTokens,
        int logitRows,
        @Nullable TopKSpec topK) {
    /** With routers of LTE. */
    public TrainingOptions(DType type, int maxRows, int maxSequences, int maxTokens, int logitRows) {
        this(type, maxRows, maxSequences, maxTokens, logitRows, null);
    }

    public TrainingOptions {
        if (maxRows < 1 || maxSequences < 1 || maxTokens < 1 || logitRows < 1) {
            throw new IllegalArgumentException("expected sizes of at least 1, found " + maxRows + " rows, "
                    + maxSequences + " sequences, " + maxTokens + " tokens, " + logitRows + " rows of logits");
        }
    }
}
