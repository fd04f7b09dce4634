package dev.lte;

import java.nio.file.Path;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** How a dense model is made sparse without training. Immutable; made by {@link #of}. */
public final class SparsifyOptions {
    private final double sparsity;
    private final PostHocRouting.@Nullable Method method;
    private final int expertSize;
    private final @Nullable WeightType type;
    private final @Nullable Path calibration;
    private final int calibrationTokens;
    private final long seed;

    private SparsifyOptions(Builder builder) {
        sparsity = builder.sparsity;
        method = builder.method;
        expertSize = builder.expertSize;
        type = builder.type;
        calibration = builder.calibration;
        calibrationTokens = builder.calibrationTokens;
        seed = builder.seed;
    }

    /** @param sparsity share of the FFN that is left out on average, 0 up to 1 */
    public static SparsifyOptions of(double sparsity, Consumer<Builder> description) {
        Builder builder = new Builder(sparsity);
        description.accept(builder);
        return new SparsifyOptions(builder);
    }

    public static SparsifyOptions of(double sparsity) {
        return of(sparsity, builder -> {});
    }

    public double sparsity() {
        return sparsity;
    }

    public PostHocRouting.@Nullable Method method() {
        return method;
    }

    public int expertSize() {
        return expertSize;
    }

    public @Nullable WeightType type() {
        return type;
    }

    public @Nullable Path calibration() {
        return calibration;
    }

    public int calibrationTokens() {
        return calibrationTokens;
    }

    public long seed() {
        return seed;
    }

    /** Not thread-safe. */
    public static final class Builder {
        private final double sparsity;
        private PostHocRouting.@Nullable Method method;
        private int expertSize;
        private @Nullable WeightType type;
        private @Nullable Path calibration;
        private int calibrationTokens = 16_384;
        private long seed = 1;

        private Builder(double sparsity) {
            require(sparsity > 0 && sparsity <= 0.95, "sparsity", "above 0, at most 0.95", sparsity);
            this.sparsity = sparsity;
        }

        /**
         * What experts and routers follow: a baseline that LTE is compared with, which must be one of those that a linear router can
         * stand for ({@code MOEFICATION}, {@code DEJA_VU}, {@code MAGNITUDE}). Null (the default) for what loses least.
         */
        public Builder method(PostHocRouting.@Nullable Method baseline) {
            method = baseline;
            return this;
        }

        /** M; 0 (the default) for the divisor of F that is nearest to 32. Small experts lose less and run slower. */
        public Builder expertSize(int neurons) {
            require(neurons >= 0, "expertSize", "0 or more", neurons);
            expertSize = neurons;
            return this;
        }

        /** Element type of the written matrices; null (the default) for that of the source's FFN. */
        public Builder type(@Nullable WeightType elementType) {
            type = elementType;
            return this;
        }

        /**
         * Text, documents apart by lines {@code <|endoftext|>}, or CSV of E2E; gzip is read as it is. It should look like what
         * the model will be used on. Null (the default) for a short English text that is built in.
         */
        public Builder calibration(@Nullable Path text) {
            calibration = text;
            return this;
        }

        /** Tokens of the calibration text that are used at most, 1024 or more. A tenth is held out to measure with. */
        public Builder calibrationTokens(int tokens) {
            require(tokens >= 1024, "calibrationTokens", "1024 or more", tokens);
            calibrationTokens = tokens;
            return this;
        }

        /** Of grouping and sampling. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        private static void require(boolean inRange, String option, String expected, Object found) {
            if (!inRange) {
                throw new InvalidRequestException(option, expected, found);
            }
        }
    }
}
