package dev.lte.core.train;

import dev.lte.core.arch.WeightRole;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.sparse.NeuronOrder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a dense model with the neurons of each feed-forward block in the order of its experts, which changes nothing that
 * the model computes, and with routers. Reordered weights are made when they are asked for.
 */
public final class RoutedValues implements WeightValues {
    private final WeightValues dense;
    private final List<NeuronOrder> orders;
    private final List<Matrix> routers;

    /**
     * @param groupings one per layer
     * @param routers (N, D), one per layer; none for a model that stays dense
     */
    public RoutedValues(WeightValues dense, List<Grouping> groupings, List<Matrix> routers) {
        if (!routers.isEmpty() && groupings.size() != routers.size()) {
            throw new IllegalArgumentException(
                    "expected a router per grouping, found " + routers.size() + " for " + groupings.size());
        }
        this.dense = dense;
        this.orders = groupings.stream().map(NeuronOrder::new).toList();
        this.routers = List.copyOf(routers);
    }

    @Override
    public @Nullable Matrix find(WeightRole role, int layer) {
        if (role == WeightRole.ROUTER) {
            return routers.isEmpty() ? null : routers.get(layer);
        }
        Matrix weight = dense.find(role, layer);
        if (weight == null) {
            return null;
        }
        return switch (role) {
            case GATE, UP -> with(weight, orders.get(layer).rows(weight.values(), weight.columns()));
            case UP_BIAS -> with(weight, orders.get(layer).vector(weight.values()));
            case DOWN -> with(weight, orders.get(layer).columns(weight.values(), weight.rows()));
            default -> weight;
        };
    }

    private static Matrix with(Matrix shape, float[] values) {
        return new Matrix(shape.rows(), shape.columns(), values);
    }
}
