package dev.lte.core.token;

import java.util.Arrays;

/** A growing list of token ids. */
final class Ids {
    private int[] values = new int[16];
    private int size;

    void add(int id) {
        if (size == values.length) {
            values = Arrays.copyOf(values, size * 2);
        }
        values[size++] = id;
    }

    void addAll(int[] ids) {
        if (values.length - size < ids.length) {
            values = Arrays.copyOf(values, Math.max(size * 2, size + ids.length));
        }
        System.arraycopy(ids, 0, values, size, ids.length);
        size += ids.length;
    }

    void clear() {
        size = 0;
    }

    int size() {
        return size;
    }

    /** The ids from an index to the end. */
    int[] tail(int from) {
        return Arrays.copyOfRange(values, from, size);
    }

    int[] toArray() {
        return tail(0);
    }
}
