package dev.lte.core.train;

import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import org.jspecify.annotations.Nullable;

/** Where the parameters of a model come from. */
@FunctionalInterface
public interface WeightValues {
    /**
     * The weight of a role, or null if the model has none.
     *
     * @param layer 0 for roles that exist once
     */
    @Nullable
    Matrix find(WeightRole role, int layer);

    /** @throws IllegalStateException if the model has none */
    default Matrix get(WeightRole role, int layer) {
        Matrix weight = find(role, layer);
        if (weight == null) {
            throw new IllegalStateException("the model has no " + role + " in layer " + layer);
        }
        return weight;
    }

    /** The weights of an open model, decoded to F32. */
    static WeightValues of(ModelSource source) {
        return (role, layer) -> {
            WeightData weight = source.find(role, layer);
            return weight == null ? null : Matrix.of(weight);
        };
    }
}
