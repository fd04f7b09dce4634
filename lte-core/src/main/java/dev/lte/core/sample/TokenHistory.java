package dev.lte.core.sample;

/** The last tokens of a context, for penalties. */
final class TokenHistory {
    private final int[] tokens;
    private long added;

    TokenHistory(int length) {
        tokens = new int[length];
    }

    void add(int token) {
        tokens[(int) (added % tokens.length)] = token;
        added++;
    }

    /** Divides positive logits of tokens seen by {@code penalty} and multiplies the others, once for each token (Keskar et al., CTRL). */
    void penalize(float[] logits, int start, int size, float penalty) {
        if (penalty == 1) {
            return;
        }
        int count = (int) Math.min(added, tokens.length);
        for (int i = 0; i < count; i++) {
            int token = tokens[i];
            if (token < size && isFirst(i)) {
                float logit = logits[start + token];
                logits[start + token] = logit > 0 ? logit / penalty : logit * penalty;
            }
        }
    }

    private boolean isFirst(int index) {
        for (int i = 0; i < index; i++) {
            if (tokens[i] == tokens[index]) {
                return false;
            }
        }
        return true;
    }
}
