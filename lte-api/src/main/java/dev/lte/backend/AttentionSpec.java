package dev.lte.backend;

/**
 * The shape of an attention operation.
 *
 * @param heads H, query heads
 * @param keyValueHeads K, key and value heads; head h reads key/value head {@code h / (H / K)}
 * @param headSize E
 * @param scale multiplies the scores before the softmax
 * @param causal whether a row sees only positions up to its own
 * @param window how many positions a row sees at most, its own included; 0 for no limit. Without causality it sees that many
 *     to either side, its own included in both
 * @param softcap if above 0, a score s becomes {@code softcap * tanh(s / softcap)} before the softmax
 */
public record AttentionSpec(
        int heads, int keyValueHeads, int headSize, float scale, boolean causal, int window, float softcap) {
    public AttentionSpec {
        if (heads < 1 || keyValueHeads < 1 || headSize < 1 || heads % keyValueHeads != 0) {
            throw new IllegalArgumentException("expected heads to be a multiple of key/value heads, found " + heads
                    + " and " + keyValueHeads + " of size " + headSize);
        }
        if (window < 0 || softcap < 0) {
            throw new IllegalArgumentException("window and softcap must not be negative: " + window + ", " + softcap);
        }
    }
}
