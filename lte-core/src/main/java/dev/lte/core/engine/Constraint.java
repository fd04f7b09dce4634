package dev.lte.core.engine;

import org.jspecify.annotations.Nullable;

/** What the next tokens may be. Confined to the engine's thread. */
interface Constraint {
    /**
     * The tokens that may come next, end-of-text tokens among them where the text may end: bit {@code id & 63} of word {@code id
     * >> 6}. Valid until {@link #accept}; null for all.
     */
    long @Nullable [] allowed();

    /** Tells of the token that has come. */
    void accept(int token);

    /** Whether the text is whole and nothing can follow. */
    boolean isComplete();
}
