package dev.lte;

import org.jspecify.annotations.Nullable;

/**
 * What making a model sparse came to, measured on calibration text that was held out.
 *
 * @param expertSize M
 * @param sparsity of the FFN
 * @param densePerplexity of the model as it was
 * @param perplexity of the sparse model
 * @param imitated the method of the options, or null
 * @param written the file
 */
public record SparsifyReport(
        int expertSize,
        SparsityReport sparsity,
        double densePerplexity,
        double perplexity,
        @Nullable Imitated imitated,
        ConversionReport written) {
    /**
     * A method as it is meant, beside the linear routers that stand for it in the file.
     *
     * @param sparsity of the method itself
     * @param perplexity of the model under the method itself
     * @param agreement share of (token, neuron) pairs for which both decide alike, given the activations of the dense model
     */
    public record Imitated(PostHocRouting.Method method, double sparsity, double perplexity, double agreement) {}
}
