package dev.lte;

import java.util.List;

/** Text to token ids and back. Immutable and thread-safe. */
public interface Tokenizer {
    /** Number of ids, V of the vocabulary; the model's logits may be padded beyond it. */
    int size();

    /**
     * @param addSpecial whether the tokens that the model expects at begin and end (begin-of-text) are added
     * @param parseSpecial whether special tokens written out in the text (such as {@code <|im_end|>}) become those tokens;
     *     never for text from users
     */
    int[] encode(String text, boolean addSpecial, boolean parseSpecial);

    /** {@code encode(text, true, false)}. */
    default int[] encode(String text) {
        return encode(text, true, false);
    }

    /**
     * The text of ids, special tokens left out, bytes that form no character as U+FFFD.
     *
     * @throws InvalidRequestException if an id is outside the vocabulary
     */
    String decode(int... ids);

    /** The token as the vocabulary writes it, for people. */
    String piece(int id);

    /** Ids that end a generation. */
    List<Integer> endOfTextIds();
}
