package dev.lte.core.convert;

import dev.lte.WeightType;
import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.source.WeightShapes;
import org.jspecify.annotations.Nullable;

/**
 * Which element type a weight gets: matrices the wanted one, with two exceptions. Rows that are not whole blocks become F16,
 * and the head is not stored in 4 bits, where its error would go straight into the logits. What is small or added up many
 * times stays F32.
 *
 * @param dtype element type
 * @param note why it is not the wanted one, or null
 */
record TargetTypes(DType dtype, @Nullable String note) {
    /** @param isHead whether the weight makes the logits: the head, or a token embedding that serves as such */
    static TargetTypes of(WeightRole role, WeightData weight, WeightType type, boolean isHead) {
        DType wanted = DType.valueOf(type.name());
        if (WeightShapes.isVector(role)) {
            return new TargetTypes(DType.F32, null);
        }
        switch (role) {
            case ROUTER, POSITION_EMBEDDING, TOKEN_TYPE_EMBEDDING, CLASSIFIER_DENSE, CLASSIFIER_OUTPUT -> {
                return new TargetTypes(DType.F32, null);
            }
            default -> {}
        }
        boolean fourBits = wanted == DType.Q4_0 || wanted == DType.Q4_K;
        if (isHead && fourBits && weight.dtype() != wanted) {
            boolean large = weight.columns() % DType.Q6_K.blockSize() == 0;
            DType better = large ? DType.Q6_K : DType.Q8_0;
            if (weight.columns() % better.blockSize() == 0) {
                return new TargetTypes(better, "makes the logits, so it keeps more than 4 bits");
            }
        }
        if (weight.columns() % wanted.blockSize() != 0) {
            String note =
                    "rows of " + weight.columns() + " are not whole " + wanted + " blocks of " + wanted.blockSize();
            return new TargetTypes(DType.F16, note);
        }
        return new TargetTypes(wanted, null);
    }
}
