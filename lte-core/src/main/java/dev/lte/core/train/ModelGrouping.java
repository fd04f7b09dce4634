package dev.lte.core.train;

import static dev.lte.core.arch.WeightRole.GATE;
import static dev.lte.core.arch.WeightRole.UP;

import dev.lte.core.arch.ModelConfig;
import dev.lte.core.sparse.BalancedKMeans;
import dev.lte.core.sparse.CoActivations;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.sparse.RowReader;
import dev.lte.train.GroupingMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * Which neurons form which expert, in all layers of a model.
 *
 * @param groupings one a layer
 * @param objectives of k-means, one a layer; 0 for other methods
 */
public record ModelGrouping(List<Grouping> groupings, List<Double> objectives) {
    private static final int STEPS = 50;

    public ModelGrouping {
        groupings = List.copyOf(groupings);
        objectives = List.copyOf(objectives);
    }

    /**
     * @param weights of the dense model
     * @param sample of each layer's activations, asked for {@link GroupingMethod#CO_ACTIVATION} alone
     * @param threads that work at the same time; the result does not depend on it
     */
    public static ModelGrouping of(
            WeightValues weights,
            ModelConfig config,
            int expertSize,
            GroupingMethod method,
            Supplier<List<CoActivations>> sample,
            long seed,
            int threads) {
        Grouping.experts(config.ffn(), expertSize);
        List<CoActivations> samples = method == GroupingMethod.CO_ACTIVATION ? sample.get() : List.of();
        List<Grouping> groupings = new ArrayList<>();
        List<Double> objectives = new ArrayList<>();
        for (int layer = 0; layer < config.layers().size(); layer++) {
            BalancedKMeans.Options options = new BalancedKMeans.Options(seed + layer, threads, STEPS);
            double objective = 0;
            switch (method) {
                case K_MEANS -> {
                    BalancedKMeans.Result result = kMeans(weights, config, layer, expertSize, options);
                    groupings.add(result.grouping());
                    objective = result.objective();
                }
                case CO_ACTIVATION -> groupings.add(samples.get(layer).split(expertSize, options));
                case RANDOM -> groupings.add(Grouping.random(config.ffn(), expertSize, seed + layer));
                case CONSECUTIVE -> groupings.add(Grouping.consecutive(config.ffn(), expertSize));
            }
            objectives.add(objective);
        }
        return new ModelGrouping(groupings, objectives);
    }

    /** Balanced k-means of the rows that the paper clusters: gate, or up where there is none. */
    private static BalancedKMeans.Result kMeans(
            WeightValues weights, ModelConfig config, int layer, int expertSize, BalancedKMeans.Options options) {
        Matrix rows = weights.get(config.gated() ? GATE : UP, layer);
        return BalancedKMeans.group(
                RowReader.of(rows.values(), rows.columns()), rows.rows(), rows.columns(), expertSize, options);
    }
}
