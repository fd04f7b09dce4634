package dev.lte.core.train;

import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.quant.BlockFormats;
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

    /** The weights of an open model, decoded to F32. */
    static WeightValues of(ModelSource source) {
        return (role, layer) -> {
            WeightData weight = source.find(role, layer);
            return weight == null ? null : decode(weight);
        };
    }

    private static Matrix decode(WeightData weight) {
        float[] values = new float[Math.multiplyExact(weight.rows(), weight.columns())];
        for (int r = 0; r < weight.rows(); r++) {
            BlockFormats.decode(
                    weight.dtype(),
                    weight.bytes(),
                    r * weight.rowBytes(),
                    values,
                    r * weight.columns(),
                    weight.columns());
        }
        return new Matrix(weight.rows(), weight.columns(), values);
    }
}
