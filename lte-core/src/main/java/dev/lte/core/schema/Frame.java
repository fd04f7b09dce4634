package dev.lte.core.schema;

import org.jspecify.annotations.Nullable;

/** A rule that is being read and where it is; below it on the stack, the rule that called it and where that will go on. */
final class Frame {
    final int rule;
    final int state;
    final @Nullable Frame parent;
    final int depth;
    private final int hash;

    Frame(int rule, int state, @Nullable Frame parent) {
        this.rule = rule;
        this.state = state;
        this.parent = parent;
        depth = parent == null ? 1 : parent.depth + 1;
        hash = 31 * (31 * (parent == null ? 0 : parent.hash) + rule) + state * 0x9E3779B9;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        Frame a = this;
        Frame b = other instanceof Frame frame ? frame : null;
        while (a != b) {
            if (a == null || b == null || a.hash != b.hash || a.rule != b.rule || a.state != b.state) {
                return false;
            }
            a = a.parent;
            b = b.parent;
        }
        return true;
    }

    @Override
    public int hashCode() {
        return hash;
    }
}
