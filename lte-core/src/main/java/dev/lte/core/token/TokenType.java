package dev.lte.core.token;

/** What a token is for, with the numbers of {@code tokenizer.ggml.token_type} (those of SentencePiece). */
final class TokenType {
    static final int NORMAL = 1;
    static final int UNKNOWN = 2;
    /** Never text: begin, end, turn marks. */
    static final int CONTROL = 3;
    /** Always matched whole, before anything else. */
    static final int USER_DEFINED = 4;

    static final int UNUSED = 5;
    /** One byte, written {@code <0x0A>}. */
    static final int BYTE = 6;

    private TokenType() {}

    static boolean isSpecial(int type) {
        return type == CONTROL || type == UNKNOWN;
    }
}
