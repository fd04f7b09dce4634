package dev.lte.core.source;

import dev.lte.backend.WeightData;
import dev.lte.core.arch.WeightRole;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The weights of a model by role and layer. Not thread-safe while it is filled. */
final class WeightTable {
    private final Map<WeightRole, @Nullable WeightData[]> weights = new EnumMap<>(WeightRole.class);
    private final int layers;

    WeightTable(int layers) {
        this.layers = layers;
    }

    void put(WeightRole role, int layer, WeightData weight) {
        weights.computeIfAbsent(role, key -> new WeightData[role.perLayer() ? layers : 1])[layer] = weight;
    }

    @Nullable
    WeightData find(WeightRole role, int layer) {
        if (layer < 0 || layer >= (role.perLayer() ? layers : 1)) {
            throw new IllegalArgumentException("the model has no layer " + layer + " of " + role);
        }
        WeightData[] found = weights.get(role);
        return found == null ? null : found[layer];
    }
}
