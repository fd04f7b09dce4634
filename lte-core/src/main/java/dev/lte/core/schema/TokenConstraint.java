package dev.lte.core.schema;

/**
 * Says which tokens may come next so that a generated text satisfies a grammar. One per generated text; not thread-safe.
 * After every accepted token some continuation to a complete text exists, each of whose tokens the mask allows.
 */
public interface TokenConstraint {
    /** Longs of a mask: one bit for each id of the tokenizer. Logits beyond it are of no token and never allowed. */
    int maskLength();

    /**
     * Writes the ids that may come next: bit {@code id & 63} of {@code mask[id >> 6]}. The tokenizer's end-of-text ids are
     * among them if {@link #canEnd}. Once {@link #isComplete}, they are all.
     */
    void writeMask(long[] mask);

    /**
     * Takes the token that was chosen. An end-of-text id completes the text.
     *
     * @throws IllegalArgumentException if the mask does not have it
     */
    void accept(int tokenId);

    /** Whether the text may end here. */
    boolean canEnd();

    /** Whether nothing may follow but the end. */
    boolean isComplete();
}
