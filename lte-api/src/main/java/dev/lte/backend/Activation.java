package dev.lte.backend;

/** Element-wise non-linearities, one name per formula. */
public enum Activation {
    /** {@code x * sigmoid(x)}, also called swish. */
    SILU,
    /** {@code x * (1 + erf(x / sqrt(2))) / 2}. */
    GELU,
    /** {@code x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2}, "gelu_new" and "gelu_pytorch_tanh" elsewhere. */
    GELU_TANH,
    /** {@code max(x, 0)}. */
    RELU,
    /** {@code tanh(x)}. */
    TANH
}
