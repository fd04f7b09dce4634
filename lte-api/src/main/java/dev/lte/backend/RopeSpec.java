package dev.lte.backend;

/**
 * Which rotation {@link Kernels#rope} applies to every head of a row.
 *
 * @param headSize E, columns of one head
 * @param rotated the first {@code rotated} columns of a head are rotated, the rest stay (even, at most E)
 * @param pairing which columns form a pair
 */
public record RopeSpec(int headSize, int rotated, Pairing pairing) {
    public enum Pairing {
        /** Pairs (i, i + rotated/2), as in Hugging Face checkpoints. */
        HALVES,
        /** Pairs (2i, 2i + 1), as in the original LLaMA and GGUF files of it. */
        ADJACENT
    }

    public RopeSpec {
        if (headSize < 1 || rotated < 0 || rotated > headSize || rotated % 2 != 0) {
            throw new IllegalArgumentException(
                    "rotated columns must be even and at most the head size " + headSize + ": " + rotated);
        }
    }
}
