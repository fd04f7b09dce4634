package dev.lte.core.convert;

import dev.lte.backend.WeightData;
import dev.lte.core.quant.BlockFormats;

/** Weights as numbers. */
final class Floats {
    private Floats() {}

    static float[] of(WeightData weight) {
        float[] values = new float[weight.rows() * weight.columns()];
        BlockFormats.decode(weight.dtype(), weight.bytes(), 0, values, 0, values.length);
        return values;
    }
}
