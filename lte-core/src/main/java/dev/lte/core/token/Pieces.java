package dev.lte.core.token;

import java.util.Arrays;

/** A text cut into consecutive words. Parts of the text that belong to no word are left out. */
final class Pieces {
    private final String text;
    private final boolean beginsText;
    private int[] bounds = new int[32];
    private int size;

    private Pieces(String text, boolean beginsText) {
        this.text = text;
        this.beginsText = beginsText;
    }

    /**
     * The whole text as one word, none if it is empty.
     *
     * @param beginsText whether the text is the begin of what is encoded, not the part behind an added token
     */
    static Pieces whole(String text, boolean beginsText) {
        Pieces pieces = new Pieces(text, beginsText);
        pieces.add(0, text.length());
        return pieces;
    }

    /** For other words of the same text. */
    Pieces empty() {
        return new Pieces(text, beginsText);
    }

    /** For other words of this text rewritten. */
    Pieces empty(String rewritten) {
        return new Pieces(rewritten, beginsText);
    }

    /** Whether a word is the begin of all that is encoded. */
    boolean isFirst(int index) {
        return beginsText && bounds[2 * index] == 0;
    }

    /** Adds {@code text[from, to)} unless it is empty. */
    void add(int from, int to) {
        if (from >= to) {
            return;
        }
        if (2 * size == bounds.length) {
            bounds = Arrays.copyOf(bounds, bounds.length * 2);
        }
        bounds[2 * size] = from;
        bounds[2 * size + 1] = to;
        size++;
    }

    String text() {
        return text;
    }

    int size() {
        return size;
    }

    int from(int index) {
        return bounds[2 * index];
    }

    int to(int index) {
        return bounds[2 * index + 1];
    }
}
