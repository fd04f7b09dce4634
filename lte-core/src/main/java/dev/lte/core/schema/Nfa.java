package dev.lte.core.schema;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * A nondeterministic automaton under construction: edges over ranges of bytes, edges that call another rule, and edges that
 * take nothing.
 */
final class Nfa {
    private static final int NOTHING = -1;
    private static final int CALL = -2;

    private final Budget budget;
    private int[] heads = new int[64];
    private int states;
    /** Four ints an edge: the first byte or the kind, the last byte or the rule, the target, the next edge of the state. */
    private int[] edges = new int[256];

    private int edgeCount;

    Nfa(Budget budget) {
        this.budget = budget;
    }

    int state() {
        budget.state();
        if (states == heads.length) {
            heads = Arrays.copyOf(heads, 2 * states);
        }
        heads[states] = -1;
        return states++;
    }

    int states() {
        return states;
    }

    private void edge(int from, int first, int last, int to) {
        budget.work(1);
        if (4 * edgeCount == edges.length) {
            edges = Arrays.copyOf(edges, 2 * edges.length);
        }
        int at = 4 * edgeCount;
        edges[at] = first;
        edges[at + 1] = last;
        edges[at + 2] = to;
        edges[at + 3] = heads[from];
        heads[from] = edgeCount++;
    }

    void bytes(int from, int first, int last, int to) {
        edge(from, first, last, to);
    }

    void skip(int from, int to) {
        edge(from, NOTHING, 0, to);
    }

    /** Goes on at {@code to} behind a text of another rule. */
    void call(int from, int rule, int to) {
        edge(from, CALL, rule, to);
    }

    /** A text from {@code from}; returns the state behind it. */
    int literal(int from, byte[] text) {
        int at = from;
        for (byte value : text) {
            int next = state();
            bytes(at, value & 0xFF, value & 0xFF, next);
            at = next;
        }
        return at;
    }

    int literal(int from, String text) {
        return literal(from, text.getBytes(StandardCharsets.UTF_8));
    }

    int firstEdge(int state) {
        return heads[state];
    }

    int nextEdge(int edge) {
        return edges[4 * edge + 3];
    }

    int target(int edge) {
        return edges[4 * edge + 2];
    }

    boolean isSkip(int edge) {
        return edges[4 * edge] == NOTHING;
    }

    boolean isCall(int edge) {
        return edges[4 * edge] == CALL;
    }

    boolean isBytes(int edge) {
        return edges[4 * edge] >= 0;
    }

    int first(int edge) {
        return edges[4 * edge];
    }

    int last(int edge) {
        return edges[4 * edge + 1];
    }

    int rule(int edge) {
        return edges[4 * edge + 1];
    }

    /** For every byte, which class of bytes that no edge tells apart it is in. */
    byte[] byteClasses() {
        boolean[] begins = new boolean[257];
        for (int edge = 0; edge < edgeCount; edge++) {
            if (isBytes(edge)) {
                begins[first(edge)] = true;
                begins[last(edge) + 1] = true;
            }
        }
        byte[] classes = new byte[256];
        int current = 0;
        for (int value = 1; value < 256; value++) {
            current += begins[value] ? 1 : 0;
            classes[value] = (byte) current;
        }
        return classes;
    }
}
