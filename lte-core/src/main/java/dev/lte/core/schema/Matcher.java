package dev.lte.core.schema;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Finds the first of some byte strings, byte by byte, wherever it begins (Aho and Corasick, "Efficient string matching", 1975).
 * State 0 has seen nothing of any. None may be a part of another.
 */
final class Matcher {
    private final List<int[]> next = new ArrayList<>();
    private final List<Integer> found = new ArrayList<>();
    private final int[] ends;

    Matcher(List<byte[]> words) {
        ends = new int[words.size()];
        state();
        for (int word = 0; word < ends.length; word++) {
            int at = 0;
            for (byte value : words.get(word)) {
                int[] row = next.get(at);
                if (row[value & 0xFF] < 0) {
                    row[value & 0xFF] = state();
                }
                at = row[value & 0xFF];
            }
            ends[word] = at;
            found.set(at, word);
        }
        completeRows();
    }

    private int state() {
        int[] row = new int[256];
        Arrays.fill(row, -1);
        next.add(row);
        found.add(-1);
        return next.size() - 1;
    }

    /** Where no string goes on, what its longest end does that a string begins with. Short states come first. */
    private void completeRows() {
        int[] fallback = new int[next.size()];
        List<Integer> order = new ArrayList<>(List.of(0));
        for (int i = 0; i < order.size(); i++) {
            int at = order.get(i);
            int[] row = next.get(at);
            for (int value = 0; value < row.length; value++) {
                int other = at == 0 ? 0 : next.get(fallback[at])[value];
                if (row[value] < 0) {
                    row[value] = other;
                } else {
                    fallback[row[value]] = other;
                    order.add(row[value]);
                }
            }
        }
    }

    int states() {
        return next.size();
    }

    int next(int state, int value) {
        return next.get(state)[value];
    }

    /** Which string ends in a state, or -1. */
    int found(int state) {
        return found.get(state);
    }

    /** The state in which a string ends. */
    int end(int word) {
        return ends[word];
    }
}
