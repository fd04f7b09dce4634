package dev.lte.core.token;

import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.IntPredicate;

/**
 * Finds the id of a piece of text without copying it: open addressing over a polynomial hash. The multiplier is random,
 * so that no vocabulary can be written whose pieces all collide; results do not depend on it. Of equal pieces the first
 * counts; empty pieces are never found. Immutable and thread-safe.
 */
final class PieceIndex {
    static final int NOT_FOUND = -1;

    private final String[] pieces;
    private final int[] slots;
    private final int shift;
    private final long multiplier = ThreadLocalRandom.current().nextLong() | 1;
    private final int longest;

    /** @param included which ids take part */
    PieceIndex(String[] pieces, IntPredicate included) {
        this.pieces = pieces;
        int bits = Math.max(4, 33 - Integer.numberOfLeadingZeros(Math.max(1, pieces.length)));
        slots = new int[1 << bits];
        shift = 64 - bits;
        Arrays.fill(slots, NOT_FOUND);
        int longestPiece = 0;
        for (int id = 0; id < pieces.length; id++) {
            String piece = pieces[id];
            if (!piece.isEmpty() && included.test(id)) {
                int slot = slot(piece, 0, piece.length());
                if (slots[slot] == NOT_FOUND) {
                    slots[slot] = id;
                    longestPiece = Math.max(longestPiece, piece.length());
                }
            }
        }
        longest = longestPiece;
    }

    /** Length of the longest piece in chars. */
    int longest() {
        return longest;
    }

    int find(String piece) {
        return find(piece, 0, piece.length());
    }

    /** The id of {@code text[from, to)}, or {@link #NOT_FOUND}. */
    int find(String text, int from, int to) {
        if (to - from > longest || from >= to) {
            return NOT_FOUND;
        }
        return slots[slot(text, from, to)];
    }

    /** The slot that holds the piece, or the empty one where it would go. */
    private int slot(String text, int from, int to) {
        long hash = to - from;
        for (int i = from; i < to; i++) {
            hash = (hash + text.charAt(i)) * multiplier;
            hash ^= hash >>> 29;
        }
        int length = to - from;
        int slot = (int) ((hash * 0x9E3779B97F4A7C15L) >>> shift);
        while (true) {
            int id = slots[slot];
            if (id == NOT_FOUND) {
                return slot;
            }
            String piece = pieces[id];
            if (piece.length() == length && text.startsWith(piece, from)) {
                return slot;
            }
            slot = (slot + 1) & (slots.length - 1);
        }
    }
}
