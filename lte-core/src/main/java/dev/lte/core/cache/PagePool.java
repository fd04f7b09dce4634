package dev.lte.core.cache;

import java.util.Arrays;

/** Which pages of a {@link KeyValueCache} are free. Not thread-safe, but {@link #free} may be read from any thread. */
public final class PagePool {
    private final int[] stack;
    private volatile int free;

    public PagePool(int pages) {
        stack = new int[pages];
        Arrays.setAll(stack, i -> pages - 1 - i);
        free = pages;
    }

    public int total() {
        return stack.length;
    }

    /** Pages that nobody holds. */
    public int free() {
        return free;
    }

    /**
     * Takes {@code count} pages.
     *
     * @return their numbers, or an empty array if there are not enough; then none is taken
     */
    public int[] take(int count) {
        int left = free - count;
        if (left < 0) {
            return new int[0];
        }
        int[] pages = new int[count];
        for (int i = 0; i < count; i++) {
            pages[i] = stack[free - 1 - i];
        }
        free = left;
        return pages;
    }

    public void give(int[] pages) {
        int size = free;
        System.arraycopy(pages, 0, stack, size, pages.length);
        free = size + pages.length;
    }
}
