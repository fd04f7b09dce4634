package dev.lte.core.train;

/**
 * Weights on the host.
 *
 * @param rows output features; 1 for a vector
 * @param columns input features
 * @param values (rows, columns), not copied
 */
public record Matrix(int rows, int columns, float[] values) {
    public Matrix {
        if ((long) rows * columns != values.length) {
            throw new IllegalArgumentException(
                    "expected " + rows + " x " + columns + " values, found " + values.length);
        }
    }
}
