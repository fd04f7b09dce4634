package dev.lte.core.calibrate;

import dev.lte.core.sparse.Grouping;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How much each expert of an FFN contributes to a token: {@code score[n] = sum over its neurons of |a[f]| x weight[f]}, where a
 * is what the down projection multiplies. Knowing it takes the whole FFN, so choosing experts by it is the oracle that routers
 * are measured by (MoEfication; Zhang et al., 2022). Immutable and thread-safe.
 */
public final class ExpertScores {
    private final Grouping grouping;
    private final float @Nullable [] weights;

    /** @param weights (F), such as the lengths of the down projection's columns; null for 1 */
    public ExpertScores(Grouping grouping, float @Nullable [] weights) {
        if (weights != null && weights.length != grouping.ffn()) {
            throw new IllegalArgumentException("expected " + grouping.ffn() + " weights, found " + weights.length);
        }
        this.grouping = grouping;
        this.weights = weights == null ? null : weights.clone();
    }

    /** N. */
    public int experts() {
        return grouping.experts();
    }

    /**
     * @param activations (F), neurons in the order before grouping
     * @return (N)
     */
    public float[] of(float[] activations) {
        if (activations.length != grouping.ffn()) {
            throw new IllegalArgumentException(
                    "expected " + grouping.ffn() + " activations, found " + activations.length);
        }
        float[] scores = new float[grouping.experts()];
        for (int f = 0; f < activations.length; f++) {
            float weight = weights == null ? 1 : weights[f];
            scores[grouping.expertOf(f)] += Math.abs(activations[f]) * weight;
        }
        return scores;
    }

    /**
     * The k greatest: of experts, or of the magnitudes of single neurons (keep-largest-activations). Of equal ones the first.
     *
     * @param k 0 up to the number of values
     * @return for each value whether it is kept
     */
    public static boolean[] greatest(float[] values, int k) {
        if (k < 0 || k > values.length) {
            throw new IllegalArgumentException("the " + k + " greatest of " + values.length);
        }
        boolean[] kept = new boolean[values.length];
        if (k == 0) {
            return kept;
        }
        float[] sorted = values.clone();
        Arrays.sort(sorted);
        float least = sorted[values.length - k];
        int left = k;
        for (int i = 0; i < values.length; i++) {
            if (values[i] > least) {
                kept[i] = true;
                left--;
            }
        }
        for (int i = 0; i < values.length && left > 0; i++) {
            if (values[i] == least) {
                kept[i] = true;
                left--;
            }
        }
        return kept;
    }
}
