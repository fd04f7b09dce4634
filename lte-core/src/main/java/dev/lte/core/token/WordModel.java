package dev.lte.core.token;

/** Turns one word, as the pre-tokenizer cuts them, into ids. Immutable apart from caches, thread-safe. */
interface WordModel {
    /** Appends the ids of {@code text[from, to)}. */
    void encode(String text, int from, int to, MergeWorkspace work, Ids out);
}
