package dev.lte;

/** Element types that model files are written in. */
public enum WeightType {
    F32,
    F16,
    BF16,
    Q8_0,
    Q4_0,
    Q4_K,
    Q6_K
}
