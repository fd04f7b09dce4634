package dev.lte.core.token;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds tokens that are matched whole in a text, before anything else: leftmost, longest. Immutable and thread-safe.
 */
final class AddedTokens {
    /**
     * @param text what is looked for, not empty
     * @param leftStrip whether white space before it belongs to it
     * @param rightStrip whether white space after it belongs to it
     * @param singleWord whether it counts only between characters that are not of a word
     */
    record Added(String text, int id, boolean special, boolean leftStrip, boolean rightStrip, boolean singleWord) {
        static Added plain(String text, int id, boolean special) {
            return new Added(text, id, special, false, false, false);
        }
    }

    /** Receives a text's parts from left to right. */
    interface Sink {
        void text(int from, int to);

        void token(int id);
    }

    private static final int ROOT = 0;
    private static final CodePointSet WORD = CodePointSet.word();

    private final List<Added> tokens;
    private final PairTable children = new PairTable();
    private final int[] tokenOfNode;
    private final boolean[] firstChars = new boolean[1 << 16];

    AddedTokens(List<Added> tokens) {
        this.tokens = List.copyOf(tokens);
        int nodes = 1;
        for (Added token : tokens) {
            nodes += token.text.length();
        }
        tokenOfNode = new int[nodes];
        int used = 1;
        for (int i = 0; i < tokens.size(); i++) {
            String text = tokens.get(i).text;
            firstChars[text.charAt(0)] = true;
            int node = ROOT;
            for (int j = 0; j < text.length(); j++) {
                if (children.put(node, text.charAt(j), used)) {
                    used++;
                }
                node = (int) children.get(node, text.charAt(j));
            }
            tokenOfNode[node] = tokenOfNode[node] == 0 ? i + 1 : tokenOfNode[node];
        }
    }

    /** @param withSpecial whether special tokens count */
    void split(String text, boolean withSpecial, Sink sink) {
        int textFrom = 0;
        for (int at = 0; at < text.length(); ) {
            Added token = firstChars[text.charAt(at)] ? longest(text, at, withSpecial) : null;
            if (token == null) {
                at++;
                continue;
            }
            int from = at;
            int to = at + token.text.length();
            while (token.leftStrip && from > textFrom && CodePointSet.isWhiteSpace(text.charAt(from - 1))) {
                from--;
            }
            while (token.rightStrip && to < text.length() && CodePointSet.isWhiteSpace(text.charAt(to))) {
                to++;
            }
            if (from > textFrom) {
                sink.text(textFrom, from);
            }
            sink.token(token.id);
            textFrom = to;
            at = to;
        }
        if (textFrom < text.length()) {
            sink.text(textFrom, text.length());
        }
    }

    private @Nullable Added longest(String text, int at, boolean withSpecial) {
        Added found = null;
        long node = ROOT;
        for (int i = at; i < text.length(); i++) {
            node = children.get((int) node, text.charAt(i));
            if (node == PairTable.NONE) {
                break;
            }
            int ending = tokenOfNode[(int) node] - 1;
            Added token = ending < 0 ? null : tokens.get(ending);
            if (token != null && (withSpecial || !token.special) && standsAlone(token, text, at, i + 1)) {
                found = token;
            }
        }
        return found;
    }

    private static boolean standsAlone(Added token, String text, int from, int to) {
        return !token.singleWord
                || (from == 0 || !WORD.contains(text.codePointBefore(from)))
                        && (to == text.length() || !WORD.contains(text.codePointAt(to)));
    }
}
