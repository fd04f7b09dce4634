package dev.lte;

import dev.lte.train.GroupingMethod;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How the neurons of a model's FFNs become experts.
 *
 * @param expertSize M, divides F
 * @param calibration text or E2E CSV for {@link GroupingMethod#CO_ACTIVATION}, of the kind that the model is used on; null for the
 *     text that is built in. Other methods look at weights alone, and refuse it
 * @param seed of the grouping
 * @param type of all matrices that are written
 */
public record GroupingOptions(
        GroupingMethod method, int expertSize, @Nullable Path calibration, long seed, WeightType type) {
    public GroupingOptions {
        if (expertSize < 1) {
            throw new InvalidRequestException("expertSize", "1 or more", expertSize);
        }
        if (calibration != null && method != GroupingMethod.CO_ACTIVATION) {
            throw new InvalidRequestException("calibration", "none, as the method looks at weights alone", method);
        }
    }

    /** Balanced k-means of the weights, written as F32. */
    public static GroupingOptions of(int expertSize) {
        return new GroupingOptions(GroupingMethod.K_MEANS, expertSize, null, 0, WeightType.F32);
    }
}
