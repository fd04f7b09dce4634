package dev.lte.core.token;

import dev.lte.Tokenizer;

/** A tokenizer whose tokens stand for bytes, so that text can be decoded token by token. */
public interface VocabularyTokenizer extends Tokenizer {
    /** An id that the vocabulary does not have. */
    int NONE = -1;

    /**
     * The bytes that a token contributes to the text: empty for special tokens, one byte for byte tokens, a leading
     * space where the vocabulary marks one. Callers must not change the array.
     *
     * @throws dev.lte.InvalidRequestException if the id is outside the vocabulary
     */
    byte[] bytes(int id);

    /** Control tokens, which are never part of the text. */
    boolean isSpecial(int id);

    /**
     * Whether the space in front of a text's first token is an artefact of encoding (SentencePiece's dummy prefix), to
     * be left out when a whole text is decoded from its begin. A continuation keeps it.
     */
    boolean stripsLeadingSpace();

    /** The token that begins a text, or {@link #NONE}. */
    default int beginOfTextId() {
        return NONE;
    }

    /** All that a file has to record so that {@link TokenizerLoader} makes the same tokenizer again. */
    TokenizerMetadata metadata();
}
