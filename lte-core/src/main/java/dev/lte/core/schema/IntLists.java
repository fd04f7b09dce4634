package dev.lte.core.schema;

import java.util.Arrays;

/** Lists of ints, as chains in one array. */
final class IntLists {
    private final int[] heads;
    private int[] chain = new int[64];
    private int size;

    IntLists(int lists) {
        heads = new int[lists];
        Arrays.fill(heads, -1);
    }

    void add(int list, int value) {
        if (2 * size == chain.length) {
            chain = Arrays.copyOf(chain, 2 * chain.length);
        }
        chain[2 * size] = value;
        chain[2 * size + 1] = heads[list];
        heads[list] = size++;
    }

    /** The first link of a list, or -1. */
    int first(int list) {
        return heads[list];
    }

    int next(int link) {
        return chain[2 * link + 1];
    }

    int value(int link) {
        return chain[2 * link];
    }
}
