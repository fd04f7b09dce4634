package dev.lte.core.convert;

import dev.lte.core.token.TokenizerMetadata;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A SentencePiece vocabulary of any size, so that a model with random weights takes and gives text: unknown, begin and end
 * of text, the 256 bytes, printable ASCII, and then invented words, syllable by syllable. Every text can be encoded, and every
 * token but the special ones decodes to text.
 */
final class SyntheticVocabulary {
    static final int BEGIN = 1;
    static final int END = 2;

    private static final int BYTES = 256;
    private static final int FIRST_PIECE = 3 + BYTES;
    private static final String SPACE = "\u2581";
    private static final String CONSONANTS = "bcdfghjklmnprstvwz";
    private static final String VOWELS = "aeiou";

    // Types of tokens, with SentencePiece's numbers.
    private static final int NORMAL = 1;
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int BYTE = 6;

    private SyntheticVocabulary() {}

    /** @param size number of tokens, at least 512 */
    static TokenizerMetadata of(int size) {
        if (size < 512) {
            throw new IllegalArgumentException("a vocabulary needs at least 512 tokens for bytes and letters: " + size);
        }
        String[] tokens = new String[size];
        float[] scores = new float[size];
        int[] types = new int[size];
        tokens[0] = "<unk>";
        types[0] = UNKNOWN;
        tokens[BEGIN] = "<s>";
        types[BEGIN] = CONTROL;
        tokens[END] = "</s>";
        types[END] = CONTROL;
        for (int value = 0; value < BYTES; value++) {
            tokens[3 + value] = "<0x%02X>".formatted(value);
            types[3 + value] = BYTE;
        }
        int id = FIRST_PIECE;
        for (String piece : pieces(size - FIRST_PIECE)) {
            tokens[id] = piece;
            types[id] = NORMAL;
            scores[id] = FIRST_PIECE - id;
            id++;
        }
        return new TokenizerMetadata(
                "llama",
                "default",
                tokens,
                scores,
                types,
                null,
                BEGIN,
                END,
                0,
                -1,
                true,
                false,
                true,
                false,
                List.of(END),
                List.of(),
                null);
    }

    /** Letters, then words by length, each also with a space in front: a merge of two pieces is always possible. */
    private static Set<String> pieces(int count) {
        Set<String> pieces = new LinkedHashSet<>();
        pieces.add(SPACE);
        for (char letter = '!'; letter <= '~'; letter++) {
            pieces.add(String.valueOf(letter));
        }
        List<String> syllables = CONSONANTS
                .chars()
                .boxed()
                .flatMap(consonant -> VOWELS.chars().mapToObj(vowel -> "" + (char) consonant.intValue() + (char) vowel))
                .toList();
        List<String> words = syllables;
        while (pieces.size() < count) {
            for (String word : words) {
                pieces.add(word);
                pieces.add(SPACE + word);
                if (pieces.size() >= count) {
                    break;
                }
            }
            words = words.stream()
                    .flatMap(word -> syllables.stream().map(word::concat))
                    .limit(count)
                    .toList();
        }
        return pieces.stream().limit(count).collect(Collectors.toCollection(LinkedHashSet::new));
    }
}
