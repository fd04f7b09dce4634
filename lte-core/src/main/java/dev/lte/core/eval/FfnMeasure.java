package dev.lte.core.eval;

import dev.lte.SparsityReport;

/** Counts the work of FFNs that stand in for a model's own. */
public interface FfnMeasure {
    /** Over all tokens so far. */
    SparsityReport sparsity();

    /**
     * Multiplications of a token in one layer, what decides about it included.
     *
     * @param sparsity of the FFN, 0 to 1
     */
    double work(double sparsity);
}
