package dev.lte.core.eval;

import dev.lte.core.arch.ModelConfig;

/**
 * Work for one token as the LTE paper counts it (table 1): two operations for each weight of the projections of attention, of
 * that part of the FFN which ran, and of the routers. Attention scores, norms and the language model's head are left out. (The
 * paper's G is 2^30: LLaMA-7B dense has 12.06.)
 */
final class FlopsPerToken {
    private FlopsPerToken() {}

    /**
     * @param sparsity of the FFN, 0 to 1
     * @param routed whether routers ran
     */
    static double of(ModelConfig config, double sparsity, boolean routed) {
        double model = config.model();
        double ffn = (config.gated() ? 3 : 2) * model * config.ffn() * (1 - sparsity);
        return of(config, ffn + (routed ? model * config.experts() : 0));
    }

    /** @param ffnWork multiplications of one layer's FFN, router included */
    static double of(ModelConfig config, double ffnWork) {
        double queries = (double) config.heads() * config.headSize();
        double keys = (double) config.keyValueHeads() * config.headSize();
        double attention = config.model() * (2 * queries + 2 * keys);
        return 2 * config.layers().size() * (attention + ffnWork);
    }
}
