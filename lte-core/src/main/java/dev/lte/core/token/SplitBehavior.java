package dev.lte.core.token;

/** What a split does with the text that matched its pattern. */
enum SplitBehavior {
    REMOVED,
    ISOLATED,
    MERGED_WITH_PREVIOUS,
    MERGED_WITH_NEXT,
    /** Neighbouring matches are one word. */
    CONTIGUOUS
}
