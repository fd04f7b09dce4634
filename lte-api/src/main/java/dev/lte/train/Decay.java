package dev.lte.train;

/** What becomes of a learning rate after warm-up. */
public enum Decay {
    /** Stays at the peak. */
    CONSTANT,
    /** In a line to 0. */
    LINEAR,
    /** Along half a cosine to 0. */
    COSINE
}
