package dev.lte.core.token;

import java.nio.charset.StandardCharsets;

/** How a vocabulary writes the bytes of a token. */
enum PieceStyle {
    /** Each char is a byte ({@link ByteAlphabet}). */
    BYTE_LEVEL {
        @Override
        byte[] bytes(String piece) {
            return ByteAlphabet.unspell(piece);
        }
    },
    /** SentencePiece, and WordPiece as GGUF writes it: U+2581 is a space. */
    SENTENCE_PIECE {
        @Override
        byte[] bytes(String piece) {
            return utf8(piece.replace(SPACE, ' '));
        }
    },
    /** Pieces are text. */
    PLAIN {
        @Override
        byte[] bytes(String piece) {
            return utf8(piece);
        }
    };

    /** SentencePiece's visible space. */
    static final char SPACE = '\u2581';

    abstract byte[] bytes(String piece);

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The byte that a piece such as {@code <0x0A>} names, or -1. */
    static int byteOf(String piece) {
        if (piece.length() != 6 || !piece.startsWith("<0x") || piece.charAt(5) != '>') {
            return -1;
        }
        int high = Character.digit(piece.charAt(3), 16);
        int low = Character.digit(piece.charAt(4), 16);
        return high < 0 || low < 0 ? -1 : high << 4 | low;
    }
}
