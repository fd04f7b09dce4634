package dev.lte.core.eval;

import dev.lte.SparsityReport;
import java.util.Arrays;
import java.util.List;

/** Adds up measurements of sparsity, each weighted by its tokens. Not thread-safe. */
final class SparsityTotal {
    private final double[] skipped;
    private long tokens;

    SparsityTotal(int layers) {
        skipped = new double[layers];
    }

    void add(SparsityReport report) {
        for (int layer = 0; layer < skipped.length; layer++) {
            skipped[layer] += report.perLayer().get(layer) * report.tokens();
        }
        tokens += report.tokens();
    }

    SparsityReport report() {
        List<Double> perLayer = Arrays.stream(skipped)
                .map(sum -> tokens == 0 ? 0 : sum / tokens)
                .boxed()
                .toList();
        double mean =
                perLayer.stream().mapToDouble(Double::doubleValue).average().orElse(0);
        return new SparsityReport(mean, perLayer, tokens);
    }
}
