package dev.lte;

import java.nio.file.Path;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a model shall be measured by. Immutable; made by {@link #of}. */
public final class EvaluationRequest {
    private final EvaluationTask task;
    private final Path data;
    private final @Nullable Double threshold;
    private final int limit;
    private final int maxTokens;
    private final @Nullable String separator;
    private final @Nullable PostHocRouting routing;
    private final Consumer<Progress> progress;

    private EvaluationRequest(Builder builder) {
        task = builder.task;
        data = builder.data;
        threshold = builder.threshold;
        limit = builder.limit;
        maxTokens = builder.maxTokens;
        separator = builder.separator;
        routing = builder.routing;
        progress = builder.progress;
    }

    /** @param data a file, which may be gzip */
    public static EvaluationRequest of(EvaluationTask task, Path data, Consumer<Builder> description) {
        Builder builder = new Builder(task, data);
        description.accept(builder);
        return new EvaluationRequest(builder);
    }

    public static EvaluationRequest of(EvaluationTask task, Path data) {
        return of(task, data, builder -> {});
    }

    public EvaluationTask task() {
        return task;
    }

    public Path data() {
        return data;
    }

    /** tau; empty for the model's own. */
    public OptionalDouble threshold() {
        return threshold == null ? OptionalDouble.empty() : OptionalDouble.of(threshold);
    }

    /** Most examples; 0 for all. */
    public int limit() {
        return limit;
    }

    public int maxTokens() {
        return maxTokens;
    }

    /** The line that stands between documents of plain text; null if the file is one document. */
    public @Nullable String separator() {
        return separator;
    }

    /** A baseline to run the model under; null for the model as it is. */
    public @Nullable PostHocRouting routing() {
        return routing;
    }

    public Consumer<Progress> progress() {
        return progress;
    }

    /** Not thread-safe. */
    public static final class Builder {
        private final EvaluationTask task;
        private final Path data;
        private @Nullable Double threshold;
        private int limit;
        private int maxTokens = 128;
        private @Nullable String separator = "<|endoftext|>";
        private @Nullable PostHocRouting routing;
        private Consumer<Progress> progress = update -> {};

        private Builder(EvaluationTask task, Path data) {
            this.task = task;
            this.data = data;
        }

        /** The sparsity dial, 0 to 1; a model without routers refuses it. */
        public Builder threshold(double tau) {
            require(tau >= 0 && tau <= 1, "threshold", "0 to 1", tau);
            threshold = tau;
            return this;
        }

        /**
         * Only the first examples: meaning representations, sequences of plain text, texts to classify. 0 (the default) for all.
         */
        public Builder limit(int examples) {
            require(examples >= 0, "limit", "0 or more", examples);
            limit = examples;
            return this;
        }

        /** Tokens that are generated at most for an example; 128 by default. */
        public Builder maxTokens(int count) {
            require(count >= 1, "maxTokens", "1 or more", count);
            maxTokens = count;
            return this;
        }

        /**
         * The line between documents of plain text, {@code <|endoftext|>} by default; empty for blank lines; null if the file is
         * one document.
         */
        public Builder separator(@Nullable String line) {
            separator = line;
            return this;
        }

        /** Runs the model, which must be dense, under a baseline. */
        public Builder routing(@Nullable PostHocRouting baseline) {
            routing = baseline;
            return this;
        }

        /** Called now and then on the thread that evaluates. */
        public Builder progress(Consumer<Progress> listener) {
            progress = listener;
            return this;
        }

        private static void require(boolean inRange, String option, String expected, Object found) {
            if (!inRange) {
                throw new InvalidRequestException(option, expected, found);
            }
        }
    }
}
