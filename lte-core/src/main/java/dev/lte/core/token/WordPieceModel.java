package dev.lte.core.token;

/**
 * WordPiece (BERT): the longest token that begins the word, then the longest that continues it, and so on; a word that
 * cannot be cut so, or is longer than a limit, is unknown as a whole. Tokens are written as in GGUF: with U+2581 in
 * front where they begin a word, as they are where they continue one.
 */
final class WordPieceModel implements WordModel {
    private final PieceIndex index;
    private final int unknown;
    private final int longestWord;
    private final WordCache cache = new WordCache();

    /** @param longestWord in characters */
    WordPieceModel(PieceIndex index, int unknown, int longestWord) {
        this.index = index;
        this.unknown = unknown;
        this.longestWord = longestWord;
    }

    @Override
    public void encode(String text, int from, int to, MergeWorkspace work, Ids out) {
        int[] cached = cache.get(text, from, to);
        if (cached != null) {
            out.addAll(cached);
            return;
        }
        int[] ids = encode(text.substring(from, to));
        out.addAll(ids);
        cache.put(text, from, to, ids);
    }

    private int[] encode(String word) {
        if (word.codePointCount(0, word.length()) > longestWord) {
            return unknown();
        }
        Ids ids = new Ids();
        for (int from = 0; from < word.length(); ) {
            int id = PieceIndex.NOT_FOUND;
            int to = word.length();
            for (; to > from; to = word.offsetByCodePoints(to, -1)) {
                id = from == 0 ? index.find(PieceStyle.SPACE + word.substring(0, to)) : index.find(word, from, to);
                if (id >= 0) {
                    break;
                }
            }
            if (id < 0) {
                return unknown();
            }
            ids.add(id);
            from = to;
        }
        return ids.toArray();
    }

    private int[] unknown() {
        return unknown < 0 ? new int[0] : new int[] {unknown};
    }
}
