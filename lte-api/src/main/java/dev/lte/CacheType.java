package dev.lte;

/** Element types of the key/value cache. */
public enum CacheType {
    /** F32 for models in F32, F16 for all others. */
    AUTO,
    F32,
    F16,
    /**
     * 8 bits and a scale for each 32 elements of a position: 17/32 of the memory of F16. Backends {@code cpu} and
     * {@code reference}; a position's keys (key/value heads x head size) must be a multiple of 32.
     */
    Q8_0
}
