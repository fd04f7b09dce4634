package dev.lte.core.token;

import org.jspecify.annotations.Nullable;

/**
 * Remembers the ids of recent short words: a direct-mapped table of fixed size, so its memory is bounded. Threads share
 * it without locks: an entry is immutable with final fields, so a racing reader sees a whole entry or none, and a lost
 * update costs only time.
 */
final class WordCache {
    private static final int SLOTS = 1 << 15;
    private static final int LONGEST = 32;

    private record Entry(String word, int[] ids) {}

    private final @Nullable Entry[] entries = new Entry[SLOTS];

    /** The ids of {@code text[from, to)}, not to be changed, or null. */
    int @Nullable [] get(String text, int from, int to) {
        if (to - from > LONGEST) {
            return null;
        }
        Entry entry = entries[slot(text, from, to)];
        if (entry == null || entry.word.length() != to - from || !text.startsWith(entry.word, from)) {
            return null;
        }
        return entry.ids;
    }

    void put(String text, int from, int to, int[] ids) {
        if (to - from <= LONGEST) {
            entries[slot(text, from, to)] = new Entry(text.substring(from, to), ids);
        }
    }

    private static int slot(String text, int from, int to) {
        int hash = 0;
        for (int i = from; i < to; i++) {
            hash = 31 * hash + text.charAt(i);
        }
        return (hash * 0x9E3779B9) >>> 17;
    }
}
