package dev.lte.core.sparse;

import dev.lte.SparsityReport;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts active experts: sparsity is {@code 1 - active (expert, token) pairs / all pairs}, as the paper counts it (section
 * 5.2). Not thread-safe.
 */
public final class SparsityMeter {
    private final int experts;
    private final long[] active;
    private long tokens;

    /**
     * @param layers number of blocks
     * @param experts N of each; 0 for a model that runs dense, whose sparsity is 0
     */
    public SparsityMeter(int layers, int experts) {
        this.experts = experts;
        active = new long[layers];
    }

    /** Counts {@code rows} more tokens; their experts are added with {@link #addActive}. */
    public void addTokens(int rows) {
        tokens += rows;
    }

    public void addActive(int layer, int count) {
        active[layer] += count;
    }

    public SparsityReport report() {
        List<Double> perLayer = new ArrayList<>(active.length);
        double sum = 0;
        for (long count : active) {
            double sparsity = experts == 0 || tokens == 0 ? 0 : 1 - count / ((double) experts * tokens);
            perLayer.add(sparsity);
            sum += sparsity;
        }
        return new SparsityReport(active.length == 0 ? 0 : sum / active.length, perLayer, tokens);
    }
}
