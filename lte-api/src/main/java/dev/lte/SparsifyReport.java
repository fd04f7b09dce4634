package dev.lte;

/**
 * What making a model sparse came to, measured on calibration text that was held out.
 *
 * @param expertSize M
 * @param sparsity of the FFN
 * @param densePerplexity of the model as it was
 * @param perplexity of the sparse model
 * @param written the file
 */
public record SparsifyReport(
        int expertSize, SparsityReport sparsity, double densePerplexity, double perplexity, ConversionReport written) {}
