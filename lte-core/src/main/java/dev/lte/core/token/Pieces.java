package dev.lte.core.token;

import java.util.Arrays;

/** A text cut into consecutive words. Parts of the text that belong to no word are left out. */
final class Pieces {
    private final String text;
    private int[] bounds = new int[32];
    private int size;

    Pieces(String text) {
        this.text = text;
    }

    /** The whole text as one word, none if it is empty. */
    static Pieces whole(String text) {
        Pieces pieces = new Pieces(text);
        pieces.add(0, text.length());
        return pieces;
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
