package dev.lte.backend;

/**
 * The shape of a feed-forward block of N experts with M neurons each.
 *
 * <p>Gated: {@code y = down (act(gate x) * (up x + upBias)) + downBias}; plain: {@code y = down act(up x + upBias) + downBias}.
 * A bias that is null is 0.
 *
 * @param model D, input and output width
 * @param neurons F, total width
 * @param expertSize M, neurons of one expert; divides F. A dense model uses any divisor, 32 by custom
 * @param activation the non-linearity
 * @param gated whether there is a gate projection
 */
public record FfnSpec(int model, int neurons, int expertSize, Activation activation, boolean gated) {
    public FfnSpec {
        if (model < 1 || neurons < 1 || expertSize < 1 || neurons % expertSize != 0) {
            throw new IllegalArgumentException(
                    "an expert size must divide the FFN width: " + expertSize + " does not divide " + neurons);
        }
    }

    /** N, the number of experts. */
    public int experts() {
        return neurons / expertSize;
    }
}
