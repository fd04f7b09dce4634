package dev.lte.core.cache;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A page in the tree of prefixes: it holds keys and values of its tokens behind those of its ancestors. */
final class PrefixNode {
    final @Nullable PrefixNode parent;
    final PageLease.@Nullable PageTokens tokens;
    final int page;
    final Map<PageLease.PageTokens, PrefixNode> children = new HashMap<>();

    /** How many leases lead through it. */
    int pins;
    /** When it was last used; unique. */
    long used;

    private PrefixNode(@Nullable PrefixNode parent, PageLease.@Nullable PageTokens tokens, int page) {
        this.parent = parent;
        this.tokens = tokens;
        this.page = page;
    }

    static PrefixNode root() {
        return new PrefixNode(null, null, -1);
    }

    PrefixNode addChild(PageLease.PageTokens tokens, int page) {
        PrefixNode child = new PrefixNode(this, tokens, page);
        children.put(tokens, child);
        return child;
    }

    boolean isIdleLeaf() {
        return parent != null && pins == 0 && children.isEmpty();
    }
}
