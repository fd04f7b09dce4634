package dev.lte.core.baseline;

import static dev.lte.core.arch.WeightRole.DOWN;
import static dev.lte.core.arch.WeightRole.GATE;
import static dev.lte.core.arch.WeightRole.UP;

import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.quant.BlockFormats;
import dev.lte.core.sparse.BalancedKMeans;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.sparse.RowReader;

/** The weights of a source's FFNs as floats, and the grouping that follows from them. */
final class LayerWeights {
    private LayerWeights() {}

    /** (rows, columns), row by row. */
    static float[] values(WeightData weight) {
        float[] values = new float[Math.multiplyExact(weight.rows(), weight.columns())];
        RowReader reader = reader(weight);
        float[] row = new float[weight.columns()];
        for (int i = 0; i < weight.rows(); i++) {
            reader.read(i, row);
            System.arraycopy(row, 0, values, i * row.length, row.length);
        }
        return values;
    }

    private static RowReader reader(WeightData weight) {
        return (row, into) ->
                BlockFormats.decode(weight.dtype(), weight.bytes(), row * weight.rowBytes(), into, 0, into.length);
    }

    /** (D, F). */
    static float[] down(ModelSource source, int layer) {
        return values(source.get(DOWN, layer));
    }

    /** Balanced k-means of the rows that the paper clusters: gate, or up where there is none. */
    static Grouping group(ModelSource source, int layer, int expertSize, long seed) {
        ModelConfig config = source.config();
        WeightData rows = source.get(config.gated() ? GATE : UP, layer);
        return BalancedKMeans.group(
                        reader(rows),
                        config.ffn(),
                        config.model(),
                        expertSize,
                        BalancedKMeans.Options.seeded(seed + layer))
                .grouping();
    }
}
