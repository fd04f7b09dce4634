package dev.lte.core.cache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The pages of one sequence, in the order of its positions: first those that it shares with the {@link PrefixCache}, then its
 * own. Confined to the engine's thread; changed by the cache alone.
 */
public final class PageLease {
    /** Where the tree of prefixes has this sequence's pages, from the root on; each is pinned. */
    final List<PrefixNode> path = new ArrayList<>();

    final PrefixNode root;

    private int[] pages = new int[4];
    private int size;

    PageLease(PrefixNode root) {
        this.root = root;
    }

    /** Pages held. */
    public int size() {
        return size;
    }

    /** Numbers of the pages held; a copy. */
    public int[] pages() {
        return Arrays.copyOf(pages, size);
    }

    /** How many of the first pages the tree of prefixes has. */
    public int shared() {
        return path.size();
    }

    int page(int index) {
        return pages[index];
    }

    void add(int page) {
        if (size == pages.length) {
            pages = Arrays.copyOf(pages, 2 * size);
        }
        pages[size++] = page;
    }

    void clear() {
        path.clear();
        size = 0;
    }

    /** Whether a page is this sequence's own, or the tree's. */
    boolean owns(int index) {
        return index >= path.size() || path.get(index).page != pages[index];
    }

    PrefixNode end() {
        return path.isEmpty() ? root : path.getLast();
    }

    /** The tokens of a page. Content is compared, so that no two prefixes are ever taken for each other. */
    record PageTokens(int[] ids) {
        static PageTokens of(int[] tokens, int page) {
            int from = page * KeyValueCache.PAGE_SIZE;
            return new PageTokens(Arrays.copyOfRange(tokens, from, from + KeyValueCache.PAGE_SIZE));
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof PageTokens tokens && Arrays.equals(ids, tokens.ids);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(ids);
        }
    }
}
