package dev.lte.core.data;

import dev.lte.core.token.VocabularyTokenizer;

/** How many characters begin in the text of each token: its bytes that are not UTF-8 continuations. */
public final class SpelledCharacters {
    private final int[] counts;

    public SpelledCharacters(VocabularyTokenizer tokenizer) {
        counts = new int[tokenizer.size()];
        for (int id = 0; id < counts.length; id++) {
            for (byte b : tokenizer.bytes(id)) {
                counts[id] += (b & 0xC0) == 0x80 ? 0 : 1;
            }
        }
    }

    public int of(int id) {
        return counts[id];
    }
}
