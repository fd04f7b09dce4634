package dev.lte.core.convert;

import dev.lte.core.token.TokenizerMetadata;
import java.util.Arrays;
import java.util.Map;

/** The metadata of a tokenizer with a token for every row of the embedding, as other programs want it. */
final class TokenizerPairs {
    /** SentencePiece's number for a token that no text becomes. */
    private static final int UNUSED = 5;

    private TokenizerPairs() {}

    static Map<String, Object> of(TokenizerMetadata tokenizer, int vocabulary) {
        Map<String, Object> pairs = tokenizer.toGguf();
        int size = tokenizer.tokens().length;
        if (size >= vocabulary) {
            return pairs;
        }
        String[] tokens = Arrays.copyOf(tokenizer.tokens(), vocabulary);
        int[] types = Arrays.copyOf(tokenizer.types(), vocabulary);
        for (int id = size; id < vocabulary; id++) {
            tokens[id] = "[PAD" + id + "]";
            types[id] = UNUSED;
        }
        pairs.put("tokenizer.ggml.tokens", tokens);
        pairs.put("tokenizer.ggml.token_type", types);
        float[] scores = tokenizer.scores();
        if (scores != null) {
            float[] padded = Arrays.copyOf(scores, vocabulary);
            Arrays.fill(padded, size, vocabulary, -10_000);
            pairs.put("tokenizer.ggml.scores", padded);
        }
        return pairs;
    }
}
