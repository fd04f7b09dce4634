package dev.lte.core.token;

import java.util.Arrays;

/** The tokens: how each is written, what it is for, which bytes it stands for. Immutable. */
final class Vocabulary {
    private static final byte[] EMPTY = {};

    private final String[] pieces;
    private final int[] types;
    private final byte[][] bytes;

    /** @param style how normal tokens are written; user-defined ones are text in any style */
    Vocabulary(String[] pieces, int[] types, PieceStyle style) {
        this.pieces = pieces;
        this.types = types;
        bytes = new byte[pieces.length][];
        for (int id = 0; id < pieces.length; id++) {
            bytes[id] = bytes(pieces[id], types[id], style);
        }
    }

    private static byte[] bytes(String piece, int type, PieceStyle style) {
        int value = PieceStyle.byteOf(piece);
        if (TokenType.isSpecial(type) || piece.isEmpty()) {
            return EMPTY;
        } else if (type == TokenType.BYTE && value >= 0) {
            return new byte[] {(byte) value};
        } else if (type == TokenType.USER_DEFINED) {
            return (style == PieceStyle.SENTENCE_PIECE ? style : PieceStyle.PLAIN).bytes(piece);
        }
        return style.bytes(piece);
    }

    int size() {
        return pieces.length;
    }

    String piece(int id) {
        return pieces[id];
    }

    String[] pieces() {
        return pieces;
    }

    int type(int id) {
        return types[id];
    }

    byte[] bytes(int id) {
        return bytes[id];
    }

    /** The ids of the 256 byte tokens by value, -1 where there is none. */
    int[] byteTokens() {
        int[] ids = new int[256];
        Arrays.fill(ids, -1);
        for (int id = 0; id < pieces.length; id++) {
            int value = types[id] == TokenType.BYTE ? PieceStyle.byteOf(pieces[id]) : -1;
            if (value >= 0 && ids[value] < 0) {
                ids[value] = id;
            }
        }
        return ids;
    }
}
