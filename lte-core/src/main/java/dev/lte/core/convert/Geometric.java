package dev.lte.core.convert;

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

    /** The base by which the first pair falls to the second; the usual one where that makes no sense. */
    static float base(List<Double> frequencies) {
        if (frequencies.size() < 2) {
            return (float) USUAL_THETA;
        }
        double theta = Math.pow(frequencies.get(1) / frequencies.get(0), -frequencies.size());
        return theta > 1 && theta < 1e30 ? (float) theta : (float) USUAL_THETA;
    }
}
