package dev.lte.core.token;

import java.util.Arrays;

/**
 * Merges neighbouring symbols of one word, best pair first and leftmost among equals, until no pair is left: O(n log n)
 * for n symbols. Symbols form a linked list; a heap holds (priority, position) keys, of which outdated ones are passed
 * over when they surface. One per call of a tokenizer; not thread-safe.
 */
final class MergeWorkspace {
    /** What becomes of two neighbours. */
    interface Rule {
        /**
         * @param left index of a symbol
         * @param right index of its right neighbour
         * @return {@code priority << 32 | merged symbol}, least priority first (signed), or {@link #NO_MERGE}
         */
        long merge(MergeWorkspace work, int left, int right);
    }

    static final long NO_MERGE = -1;

    private static final int END = -1;

    private int size;
    private int[] symbols = new int[64];
    private int[] starts = new int[64];
    private int[] next = new int[64];
    private int[] previous = new int[64];
    private long[] merges = new long[64];
    private long[] heap = new long[64];
    private int heapSize;
    private int textEnd;

    /** @param end where the last symbol ends in the text */
    void reset(int end) {
        size = 0;
        heapSize = 0;
        textEnd = end;
    }

    /** @param start where the symbol begins in the text */
    void add(int symbol, int start) {
        if (size == symbols.length) {
            int capacity = size * 2;
            symbols = Arrays.copyOf(symbols, capacity);
            starts = Arrays.copyOf(starts, capacity);
            next = Arrays.copyOf(next, capacity);
            previous = Arrays.copyOf(previous, capacity);
            merges = Arrays.copyOf(merges, capacity);
        }
        symbols[size] = symbol;
        starts[size] = start;
        size++;
    }

    int symbol(int index) {
        return symbols[index];
    }

    int start(int index) {
        return starts[index];
    }

    int end(int index) {
        return next[index] == END ? textEnd : starts[next[index]];
    }

    boolean isEmpty() {
        return size == 0;
    }

    /** The symbol after another, or -1; valid once {@link #run} has returned. The first symbol is 0. */
    int next(int index) {
        return next[index];
    }

    void run(Rule rule) {
        for (int i = 0; i < size; i++) {
            previous[i] = i - 1;
            next[i] = i + 1 < size ? i + 1 : END;
        }
        for (int i = 0; i < size; i++) {
            offer(rule, i);
        }
        while (heapSize > 0) {
            long key = pop();
            int left = (int) key;
            long merge = merges[left];
            if (merge == NO_MERGE || merge >> 32 != key >> 32) {
                continue;
            }
            int right = next[left];
            symbols[left] = (int) merge;
            merges[right] = NO_MERGE;
            next[left] = next[right];
            if (next[left] != END) {
                previous[next[left]] = left;
            }
            offer(rule, left);
            if (previous[left] != END) {
                offer(rule, previous[left]);
            }
        }
    }

    private void offer(Rule rule, int left) {
        int right = next[left];
        long merge = right == END ? NO_MERGE : rule.merge(this, left, right);
        merges[left] = merge;
        if (merge != NO_MERGE) {
            push(merge >> 32 << 32 | left);
        }
    }

    private void push(long key) {
        if (heapSize == heap.length) {
            heap = Arrays.copyOf(heap, heapSize * 2);
        }
        int hole = heapSize++;
        while (hole > 0) {
            int parent = (hole - 1) >>> 1;
            if (heap[parent] <= key) {
                break;
            }
            heap[hole] = heap[parent];
            hole = parent;
        }
        heap[hole] = key;
    }

    private long pop() {
        long least = heap[0];
        long key = heap[--heapSize];
        int hole = 0;
        while (true) {
            int child = 2 * hole + 1;
            if (child >= heapSize) {
                break;
            }
            if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
                child++;
            }
            if (key <= heap[child]) {
                break;
            }
            heap[hole] = heap[child];
            hole = child;
        }
        heap[hole] = key;
        return least;
    }
}
