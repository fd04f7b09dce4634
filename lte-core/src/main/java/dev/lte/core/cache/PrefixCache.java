package dev.lte.core.cache;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Hands out the pages of a {@link PagePool} and remembers what is in those of ended sequences: a tree whose nodes are pages,
 * keyed by their tokens. A sequence that begins like one before shares its pages as far as whole pages agree. Pages that no
 * sequence uses are given up when others need them, least recently used first, and from the end of a prefix to its begin.
 *
 * <p>What a token leaves in the cache depends on the threshold of the routers too, so every threshold has a tree of its own.
 *
 * <p>Not thread-safe, but {@link #free}, {@link #reusable} and {@link #total} may be read from any thread.
 */
public final class PrefixCache {
    /** The realm of everything that was computed here. */
    public static final long COMMON = 0;

    private final PagePool pool;
    private final boolean remembers;
    private final Map<Root, PrefixNode> roots = new HashMap<>();
    private final TreeMap<Long, PrefixNode> idleLeaves = new TreeMap<>();
    private volatile int idle;
    private long clock;

    private record Root(int thresholdBits, long realm) {}

    /** @param remembers whether pages are kept for others once their sequence has ended */
    public PrefixCache(PagePool pool, boolean remembers) {
        this.pool = pool;
        this.remembers = remembers;
    }

    public int total() {
        return pool.total();
    }

    /** Pages that hold nothing. */
    public int free() {
        return pool.free();
    }

    /** Pages that are kept for sequences to come, and given up when they are needed. */
    public int reusable() {
        return idle;
    }

    /** Pages that can be had. */
    public int available() {
        return pool.free() + idle;
    }

    /**
     * A lease of the pages that are known to hold the first of these tokens.
     *
     * @param threshold tau of the sequence
     * @param realm sequences of different realms share nothing; {@link #COMMON} for those that trust each other
     * @param limit how many tokens may be taken from the cache at most
     */
    public PageLease open(float threshold, long realm, int[] tokens, int limit) {
        PrefixNode root =
                roots.computeIfAbsent(new Root(Float.floatToIntBits(threshold), realm), key -> PrefixNode.root());
        root.pins++;
        PageLease lease = new PageLease(root);
        int pages = Math.min(limit, tokens.length) / KeyValueCache.PAGE_SIZE;
        for (int i = 0; i < pages; i++) {
            PrefixNode next = lease.end().children.get(PageLease.PageTokens.of(tokens, i));
            if (next == null) {
                break;
            }
            pin(next);
            lease.path.add(next);
            lease.add(next.page);
        }
        return lease;
    }

    /** Takes own pages until the lease holds {@code pages}; if there are not enough it takes none and returns false. */
    public boolean grow(PageLease lease, int pages) {
        int missing = pages - lease.size();
        if (missing <= 0) {
            return true;
        }
        if (missing > available()) {
            return false;
        }
        while (pool.free() < missing) {
            evict();
        }
        for (int page : pool.take(missing)) {
            lease.add(page);
        }
        return true;
    }

    /**
     * Remembers the pages that are full, for others to share. A page that another sequence has already brought stays this
     * lease's own.
     *
     * @param tokens of the sequence
     * @param positions how many of them have been computed
     */
    public void commit(PageLease lease, int[] tokens, int positions) {
        if (!remembers) {
            return;
        }
        int full = Math.min(positions / KeyValueCache.PAGE_SIZE, lease.size());
        for (int i = lease.path.size(); i < full; i++) {
            PrefixNode end = lease.end();
            PageLease.PageTokens key = PageLease.PageTokens.of(tokens, i);
            PrefixNode next = end.children.get(key);
            if (next == null) {
                next = end.addChild(key, lease.page(i));
                next.pins = 1;
            } else {
                pin(next);
            }
            lease.path.add(next);
        }
    }

    /** Takes all pages of a lease back, which is not to be used any more; those that were committed can be found again. */
    public void release(PageLease lease) {
        int own = 0;
        int[] freed = new int[lease.size()];
        for (int i = 0; i < lease.size(); i++) {
            if (lease.owns(i)) {
                freed[own++] = lease.page(i);
            }
        }
        pool.give(Arrays.copyOf(freed, own));
        for (PrefixNode node : lease.path.reversed()) {
            unpin(node);
        }
        lease.clear();
        lease.root.pins--;
        forgetRoot(lease.root);
    }

    private void pin(PrefixNode node) {
        if (node.pins++ == 0) {
            idleLeaves.remove(node.used);
            idle--;
        }
    }

    private void unpin(PrefixNode node) {
        node.used = ++clock;
        if (--node.pins == 0) {
            idle++;
            if (node.isIdleLeaf()) {
                idleLeaves.put(node.used, node);
            }
        }
    }

    private void evict() {
        PrefixNode node = idleLeaves.pollFirstEntry().getValue();
        PrefixNode parent = Objects.requireNonNull(node.parent);
        parent.children.remove(Objects.requireNonNull(node.tokens));
        pool.give(new int[] {node.page});
        idle--;
        if (parent.isIdleLeaf()) {
            idleLeaves.put(parent.used, parent);
        }
        forgetRoot(parent);
    }

    /** Drops a root that leads nowhere, so that thresholds do not add up. */
    private void forgetRoot(PrefixNode node) {
        if (node.parent == null && node.pins == 0 && node.children.isEmpty()) {
            roots.values().remove(node);
        }
    }
}
