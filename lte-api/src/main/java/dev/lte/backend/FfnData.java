package dev.lte.backend;

import org.jspecify.annotations.Nullable;

/**
 * The weights of a feed-forward block as the model file holds them.
 *
 * @param spec the block's shape
 * @param gate (F, D), present exactly if the block is gated
 * @param up (F, D)
 * @param down (D, F)
 * @param upBias (F) or null
 * @param downBias (D) or null
 */
public record FfnData(
        FfnSpec spec,
        @Nullable WeightData gate,
        WeightData up,
        WeightData down,
        @Nullable WeightData upBias,
        @Nullable WeightData downBias) {
    public FfnData {
        if (spec.gated() != (gate != null)) {
            throw new IllegalArgumentException(up.name() + ": the block is "
                    + (spec.gated() ? "gated but has no gate" : "not gated but has a gate"));
        }
        if (gate != null) {
            check(gate, spec.neurons(), spec.model());
        }
        check(up, spec.neurons(), spec.model());
        check(down, spec.model(), spec.neurons());
        if (upBias != null) {
            check(upBias, 1, spec.neurons());
        }
        if (downBias != null) {
            check(downBias, 1, spec.model());
        }
    }

    private static void check(WeightData weight, int rows, int columns) {
        if (weight.rows() != rows || weight.columns() != columns) {
            throw new IllegalArgumentException(weight.name() + ": expected " + rows + " x " + columns + ", found "
                    + weight.rows() + " x " + weight.columns());
        }
    }
}
