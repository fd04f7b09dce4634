package dev.lte.core.contract;

import java.util.function.IntFunction;

/** The bound of {@code x w^T}: x (T, C), w (R, C), each row of the weight with its own rounding of the activations. */
final class ProductBound implements Bound {
    private final float[] x;
    private final float[] w;
    private final int columns;
    private final IntFunction<ActivationRounding> rounding;

    ProductBound(float[] x, float[] w, int columns, IntFunction<ActivationRounding> rounding) {
        this.x = x;
        this.w = w;
        this.columns = columns;
        this.rounding = rounding;
    }

    @Override
    public double allowed(int row, int column, double expected) {
        ProductError error =
                ProductError.of(x, row * columns, w, column * columns, columns, rounding.apply(column), true);
        return error.allowed() + FEW * Math.abs(expected);
    }
}
