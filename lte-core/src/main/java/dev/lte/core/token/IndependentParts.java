package dev.lte.core.token;

import java.util.function.IntPredicate;

/**
 * Cuts a text between two characters that stand next to each other in no token: no merge can cross such a place, so the
 * parts encode as the whole would, and the word cache serves them. This is what makes tokenizers without a
 * pre-tokenizer (SentencePiece) fast.
 */
final class IndependentParts implements PreTokenizer {
    private static final int KNOWN = -1;

    private final PairTable neighbours = new PairTable();
    private final boolean unknownJoin;

    /**
     * @param included the ids that text can become
     * @param unknownJoin whether neighbouring characters without a token are encoded together
     */
    IndependentParts(String[] pieces, IntPredicate included, boolean unknownJoin) {
        this.unknownJoin = unknownJoin;
        for (int id = 0; id < pieces.length; id++) {
            if (!pieces[id].isEmpty() && included.test(id)) {
                collect(pieces[id]);
            }
        }
    }

    private void collect(String piece) {
        int previous = piece.codePointAt(0);
        int at = Character.charCount(previous);
        if (at == piece.length()) {
            neighbours.put(previous, KNOWN, 0);
        }
        while (at < piece.length()) {
            int codePoint = piece.codePointAt(at);
            neighbours.put(previous, codePoint, 0);
            previous = codePoint;
            at += Character.charCount(codePoint);
        }
    }

    @Override
    public Pieces apply(Pieces pieces) {
        String text = pieces.text();
        Pieces result = pieces.empty();
        for (int i = 0; i < pieces.size(); i++) {
            int wordFrom = pieces.from(i);
            int to = pieces.to(i);
            int previous = text.codePointAt(wordFrom);
            for (int at = wordFrom + Character.charCount(previous); at < to; ) {
                int codePoint = text.codePointAt(at);
                if (neighbours.get(previous, codePoint) == PairTable.NONE && !joined(previous, codePoint)) {
                    result.add(wordFrom, at);
                    wordFrom = at;
                }
                previous = codePoint;
                at += Character.charCount(codePoint);
            }
            result.add(wordFrom, to);
        }
        return result;
    }

    private boolean joined(int previous, int codePoint) {
        return unknownJoin
                && neighbours.get(previous, KNOWN) == PairTable.NONE
                && neighbours.get(codePoint, KNOWN) == PairTable.NONE;
    }
}
