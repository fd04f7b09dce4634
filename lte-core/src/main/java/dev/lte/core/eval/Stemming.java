package dev.lte.core.eval;

/** What {@link Rouge} does to words of more than three letters before it compares them. */
public enum Stemming {
    NONE,
    /** Porter's algorithm, as the package rouge-score with its stemmer (which stems a few irregular words otherwise). */
    PORTER,
    /**
     * WordNet's base form of irregular words, else Porter's algorithm: ROUGE-1.5.5 with {@code -m}, which most published scores
     * come from.
     */
    ROUGE_155;

    String apply(String word) {
        if (this == NONE || word.length() <= 3) {
            return word;
        }
        String base = this == ROUGE_155 ? IrregularForms.baseOf(word) : null;
        return base == null ? PorterStemmer.stem(word) : base;
    }
}
