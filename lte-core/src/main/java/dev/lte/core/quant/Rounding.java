package dev.lte.core.quant;

/** How ggml's K-quants round. */
final class Rounding {
    private Rounding() {}

    /** To the nearest integer, halves to even; 0 for NaN. */
    static int nearest(float value) {
        return (int) Math.rint(value);
    }
}
