package dev.lte.core.token;

/**
 * SentencePiece's BPE: begins with characters and joins the two neighbours whose joint text is the token with the
 * highest score, leftmost among equals, until none is left.
 */
final class SentencePieceModel implements WordModel {
    private final PieceIndex index;
    private final int[] priorities;
    private final Fallback fallback;
    private final WordCache cache = new WordCache();

    /**
     * @param index the tokens that text can become
     * @param scores a score for each id, none NaN
     */
    SentencePieceModel(PieceIndex index, float[] scores, Fallback fallback) {
        this.index = index;
        this.fallback = fallback;
        priorities = new int[scores.length];
        for (int id = 0; id < scores.length; id++) {
            priorities[id] = ~ordered(scores[id]);
        }
    }

    /** An int that sorts as the float does; -0 equals 0. */
    private static int ordered(float score) {
        int bits = Float.floatToIntBits(score + 0f);
        return bits ^ bits >> 31 & 0x7FFFFFFF;
    }

    @Override
    public void encode(String text, int from, int to, MergeWorkspace work, Ids out) {
        int[] cached = cache.get(text, from, to);
        if (cached != null) {
            out.addAll(cached);
            return;
        }
        int begin = out.size();
        work.reset(to);
        for (int i = from; i < to; ) {
            work.add(PieceIndex.NOT_FOUND, i);
            i += Character.charCount(text.codePointAt(i));
        }
        work.run((symbols, left, right) -> {
            int merged = index.find(text, symbols.start(left), symbols.end(right));
            return merged < 0 ? MergeWorkspace.NO_MERGE : (long) priorities[merged] << 32 | merged;
        });
        boolean afterUnknown = false;
        for (int i = work.isEmpty() ? -1 : 0; i >= 0; i = work.next(i)) {
            int id = work.symbol(i) >= 0 ? work.symbol(i) : index.find(text, work.start(i), work.end(i));
            if (id >= 0) {
                out.add(id);
                afterUnknown = false;
            } else {
                afterUnknown = fallback.encode(text, work.start(i), work.end(i), afterUnknown, out);
            }
        }
        cache.put(text, from, to, out.tail(begin));
    }
}
