package dev.lte.core.trainer;

import dev.lte.core.arch.WeightRole;
import dev.lte.core.train.Matrix;
import dev.lte.core.train.Parameters;
import dev.lte.core.train.WeightValues;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** All weights of a model on the host. Immutable. */
final class HostWeights implements WeightValues {
    private final Map<Place, Matrix> weights = new HashMap<>();

    /** @param layer 0 for roles that exist once */
    record Place(WeightRole role, int layer) {}

    /** Reads every weight that there is. */
    static HostWeights of(WeightValues source, int layers) {
        HostWeights copy = new HostWeights();
        for (WeightRole role : WeightRole.values()) {
            for (int layer = 0; layer < (role.perLayer() ? layers : 1); layer++) {
                Matrix weight = source.find(role, layer);
                if (weight != null) {
                    copy.put(role, layer, weight);
                }
            }
        }
        return copy;
    }

    static HostWeights of(Parameters parameters, int layers) {
        return of(parameters::value, layers);
    }

    private void put(WeightRole role, int layer, Matrix weight) {
        weights.put(new Place(role, layer), weight);
    }

    @Override
    public @Nullable Matrix find(WeightRole role, int layer) {
        return weights.get(new Place(role, layer));
    }
}
