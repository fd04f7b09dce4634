package dev.lte.core.sample;

import java.util.HashMap;
import java.util.Map;

/** How often each token was generated, for penalties. */
final class TokenCounts {
    private final Map<Integer, Integer> counts = new HashMap<>();

    void add(int token) {
        counts.merge(token, 1, Integer::sum);
    }

    /** {@code logit -= count * frequency + presence} for each token that was generated. */
    void penalize(float[] logits, int start, int size, float frequency, float presence) {
        if (frequency == 0 && presence == 0) {
            return;
        }
        counts.forEach((token, count) -> {
            if (token < size) {
                logits[start + token] -= count * frequency + presence;
            }
        });
    }
}
