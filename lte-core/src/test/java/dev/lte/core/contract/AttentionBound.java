package dev.lte.core.contract;

import dev.lte.backend.AttentionSpec;

/**
 * Bound of attention: weights err by twice the error of a score, so an output errs by that times the largest value. A score
 * errs relative to {@code scale |q| |k|}.
 */
final class AttentionBound implements Bound {
    private final float[] q;
    private final AttentionSpec spec;
    private final double largestKey;
    private final double largestValue;
    private final double error;

    /**
     * @param q (T, H x E)
     * @param k (any rows, K x E)
     * @param v (any rows, K x E)
     * @param error relative error of products
     */
    AttentionBound(float[] q, float[] k, float[] v, AttentionSpec spec, double error) {
        this.q = q;
        this.spec = spec;
        this.error = error;
        double key = 0;
        for (int i = 0; i < k.length; i += spec.headSize()) {
            key = Math.max(key, norm(k, i, spec.headSize()));
        }
        double value = 0;
        for (float x : v) {
            value = Float.isNaN(x) ? value : Math.max(value, Math.abs(x));
        }
        largestKey = key;
        largestValue = value;
    }

    /** 0 for a vector with a NaN: padding, whose results nobody reads. */
    private static double norm(float[] values, int from, int count) {
        double squares = 0;
        for (int i = from; i < from + count; i++) {
            squares += (double) values[i] * values[i];
        }
        return Double.isNaN(squares) ? 0 : Math.sqrt(squares);
    }

    @Override
    public double allowed(int row, int column, double expected) {
        int head = column / spec.headSize();
        int at = (row * spec.heads() + head) * spec.headSize();
        double score = spec.scale() * norm(q, at, spec.headSize()) * largestKey;
        return largestValue * (2 * error * score + error + FEW);
    }
}
