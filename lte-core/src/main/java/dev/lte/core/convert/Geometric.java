package dev.lte.core.convert;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Angles of pairs that fall geometrically, {@code theta^(-2i/rotated) / factor}: what a base and a factor can say.
 *
 * @param theta base
 * @param factor that divides all angles, 1 for none
 */
record Geometric(float theta, float factor) {
    private static final double USUAL_THETA = 10_000;

    /** Bases and factors are stored as F32, so half a unit in its last place is as near as they come. */
    private static final double TOLERANCE = 2e-7;

    /** Null if the angles are not of this kind. */
    static @Nullable Geometric of(List<Double> frequencies) {
        float theta = base(frequencies);
        float factor = (float) (1 / frequencies.getFirst());
        int rotated = 2 * frequencies.size();
        for (int i = 0; i < frequencies.size(); i++) {
            double expected = Math.pow(theta, -2.0 * i / rotated) / factor;
            if (!(Math.abs(frequencies.get(i) - expected) <= TOLERANCE * expected)) {
                return null;
            }
        }
        return new Geometric(theta, factor);
    }

    /**
     * The base of most pairs, from how each falls to the next: stretching leaves most of these ratios alone. The usual one
     * where that makes no sense.
     */
    static float base(List<Double> frequencies) {
        int pairs = frequencies.size();
        double[] bases = new double[pairs - 1];
        for (int i = 0; i < bases.length; i++) {
            bases[i] = Math.pow(frequencies.get(i + 1) / frequencies.get(i), -pairs);
        }
        Arrays.sort(bases);
        double median = bases.length == 0 ? USUAL_THETA : bases[bases.length / 2];
        return (float) (median > 1 && median < 1e30 ? median : USUAL_THETA);
    }
}
