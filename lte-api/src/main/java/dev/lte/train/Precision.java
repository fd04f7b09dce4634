package dev.lte.train;

/** Element type of activations, and of parameters as products read them. Masters, gradients and optimiser state are F32 always. */
public enum Precision {
    F32,
    BF16
}
