package dev.lte.core.reference;

import dev.lte.backend.FfnData;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.FfnWeights;
import dev.lte.backend.WeightData;
import org.jspecify.annotations.Nullable;

/**
 * The weights of a feed-forward block as the model file holds them.
 *
 * @param gate (F, D) or null
 * @param up (F, D)
 * @param down (D, F)
 * @param upBias (1, F) or null
 * @param downBias (1, D) or null
 */
record ReferenceFfnWeights(
        FfnSpec spec,
        long byteSize,
        @Nullable ReferenceTensor gate,
        ReferenceTensor up,
        ReferenceTensor down,
        @Nullable ReferenceTensor upBias,
        @Nullable ReferenceTensor downBias)
        implements FfnWeights {

    static ReferenceFfnWeights of(ReferenceBackend backend, FfnData data) {
        WeightData gate = data.gate();
        WeightData upBias = data.upBias();
        WeightData downBias = data.downBias();
        return new ReferenceFfnWeights(
                data.spec(),
                bytes(gate) + bytes(data.up()) + bytes(data.down()) + bytes(upBias) + bytes(downBias),
                gate == null ? null : backend.part(gate),
                backend.part(data.up()),
                backend.part(data.down()),
                upBias == null ? null : backend.part(upBias),
                downBias == null ? null : backend.part(downBias));
    }

    private static long bytes(@Nullable WeightData data) {
        return data == null ? 0 : data.bytes().byteSize();
    }
}
