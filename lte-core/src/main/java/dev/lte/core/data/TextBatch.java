package dev.lte.core.data;

/**
 * Sequences for a language model. Arrays must not be changed by readers.
 *
 * @param sequences B
 * @param tokens T, of every sequence, padding included
 * @param ids (B, T)
 * @param targets (B, T), the id that follows, or -1 where it is not counted: prompts, padding
 * @param lengths (B), tokens of each sequence without padding; 0 for sequences of padding alone
 * @param counted targets that count
 * @param characters (code points) that the counted targets spell
 */
public record TextBatch(
        int sequences, int tokens, int[] ids, int[] targets, int[] lengths, int counted, long characters) {
    /** A target that is not counted. */
    public static final int NOT_COUNTED = -1;
}
