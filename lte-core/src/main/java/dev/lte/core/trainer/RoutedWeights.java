package dev.lte.core.trainer;

import static dev.lte.core.arch.WeightRole.*;

import dev.lte.core.arch.ModelConfig;
import dev.lte.core.sparse.BalancedKMeans;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.sparse.NeuronOrder;
import dev.lte.core.sparse.RowReader;
import dev.lte.core.train.Matrix;
import dev.lte.train.GroupingMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Makes a dense model a routed one: groups neurons, puts weights in the order of experts, and adds routers. */
final class RoutedWeights {
    /** Deviation of new router weights, small enough that scores begin near one half and large enough that none is at tau. */
    private static final double DEVIATION = 0.02;

    private static final int STEPS = 50;

    private RoutedWeights() {}

    /**
     * Groups all layers and reorders their weights.
     *
     * @param weights changed in place
     * @return the objective of k-means per layer; 0 for other methods
     */
    static List<Double> group(
            HostWeights weights, ModelConfig config, int expertSize, GroupingMethod method, long seed, int threads) {
        List<Double> objectives = new ArrayList<>();
        for (int layer = 0; layer < config.layers().size(); layer++) {
            Grouping grouping;
            double objective = 0;
            switch (method) {
                case K_MEANS -> {
                    BalancedKMeans.Result result =
                            kMeans(weights.get(config.gated() ? GATE : UP, layer), expertSize, seed + layer, threads);
                    grouping = result.grouping();
                    objective = result.objective();
                }
                case RANDOM -> grouping = Grouping.random(config.ffn(), expertSize, seed + layer);
                default -> grouping = Grouping.consecutive(config.ffn(), expertSize);
            }
            reorder(weights, layer, new NeuronOrder(grouping));
            objectives.add(objective);
        }
        return objectives;
    }

    private static BalancedKMeans.Result kMeans(Matrix rows, int expertSize, long seed, int threads) {
        return BalancedKMeans.group(
                RowReader.of(rows.values(), rows.columns()),
                rows.rows(),
                rows.columns(),
                expertSize,
                new BalancedKMeans.Options(seed, threads, STEPS));
    }

    private static void reorder(HostWeights weights, int layer, NeuronOrder order) {
        for (var role : List.of(GATE, UP)) {
            Matrix rows = weights.find(role, layer);
            if (rows != null) {
                float[] ordered = order.rows(rows.values(), rows.columns());
                weights.put(role, layer, new Matrix(rows.rows(), rows.columns(), ordered));
            }
        }
        Matrix bias = weights.find(UP_BIAS, layer);
        if (bias != null) {
            weights.put(UP_BIAS, layer, new Matrix(1, bias.columns(), order.vector(bias.values())));
        }
        Matrix down = weights.get(DOWN, layer);
        float[] ordered = order.columns(down.values(), down.rows());
        weights.put(DOWN, layer, new Matrix(down.rows(), down.columns(), ordered));
    }

    /** Random routers for all layers. */
    static void addRouters(HostWeights weights, ModelConfig config, long seed) {
        for (int layer = 0; layer < config.layers().size(); layer++) {
            SplittableRandom random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + layer);
            float[] values = new float[config.experts() * config.model()];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (DEVIATION * random.nextGaussian());
            }
            weights.put(ROUTER, layer, new Matrix(config.experts(), config.model(), values));
        }
    }
}
