package dev.lte.core.token;

import dev.lte.Tokenizer;

/** A tokenizer whose tokens stand for bytes, so that text can be decoded token by token. */
public interface VocabularyTokenizer extends Tokenizer {
    /**
     * The bytes that a token contributes to the text: empty for special tokens, one byte for byte tokens, a leading space
     * where the vocabulary marks one. Callers must not change the array.
     */
    byte[] bytes(int id);

    /** Control tokens, which are never part of the text. */
    boolean isSpecial(int id);

    /**
     * Whether the space in front of a text's first token is an artefact of encoding (SentencePiece's dummy prefix), to be
     * left out when a whole text is decoded from its begin. A continuation keeps it.
     */
    boolean stripsLeadingSpace();
}
