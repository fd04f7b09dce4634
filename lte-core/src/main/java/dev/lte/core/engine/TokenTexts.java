package dev.lte.core.engine;

import dev.lte.TokenLogProbability;
import dev.lte.core.sample.LogProbabilities.Scored;
import dev.lte.core.token.VocabularyTokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What tokens look like, with or without a tokenizer.
 *
 * @param size how many of the logits stand for tokens
 */
record TokenTexts(@Nullable VocabularyTokenizer tokenizer, int size) {
    List<Integer> endOfTextIds() {
        return tokenizer == null ? List.of() : tokenizer.endOfTextIds();
    }

    /** @param scored the token, then its alternatives */
    TokenLogProbability describe(List<Scored> scored) {
        List<TokenLogProbability.Candidate> all =
                scored.stream().map(this::candidate).toList();
        return new TokenLogProbability(all.getFirst(), all.subList(1, all.size()));
    }

    private TokenLogProbability.Candidate candidate(Scored scored) {
        int id = scored.id();
        if (tokenizer == null) {
            return new TokenLogProbability.Candidate(id, "", List.of(), scored.logProbability());
        }
        byte[] bytes = tokenizer.bytes(id);
        List<Integer> values = new ArrayList<>(bytes.length);
        for (byte b : bytes) {
            values.add(b & 0xFF);
        }
        String text = bytes.length == 0 ? tokenizer.piece(id) : new String(bytes, StandardCharsets.UTF_8);
        return new TokenLogProbability.Candidate(id, text, values, scored.logProbability());
    }
}
