package dev.lte;

/** Element types of the key/value cache. */
public enum CacheType {
    /** F32 for models in F32, F16 for all others. */
    AUTO,
    F32,
    F16
}
