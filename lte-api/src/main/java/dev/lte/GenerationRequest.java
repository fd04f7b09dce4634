package dev.lte;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/**
 * What to generate. Immutable; made by {@link #of} or {@link #builder}.
 *
 * <p>A request names its prompt as text or as token ids, not both. Text is encoded with the model's special tokens at its
 * begin; ids are used exactly as given.
 */
public final class GenerationRequest {
    private final @Nullable String prompt;
    private final List<Integer> promptIds;
    private final int maxTokens;
    private final Sampling sampling;
    private final @Nullable Float threshold;
    private final boolean ignoreEndOfText;
    private final List<String> stopStrings;

    private GenerationRequest(Builder builder) {
        if ((builder.prompt == null) == (builder.promptIds == null)) {
            throw new InvalidRequestException("prompt", "either text or ids", builder.prompt == null ? "neither" : "both");
        }
        prompt = builder.prompt;
        promptIds = builder.promptIds == null ? List.of() : List.copyOf(builder.promptIds);
        maxTokens = builder.maxTokens;
        sampling = builder.sampling;
        threshold = builder.threshold;
        ignoreEndOfText = builder.ignoreEndOfText;
        stopStrings = List.copyOf(builder.stopStrings);
    }

    public static Builder builder() {
        return new Builder();
    }

    /** {@snippet : GenerationRequest.of(r -> r.prompt("Once upon a time").maxTokens(64)); } */
    public static GenerationRequest of(Consumer<Builder> description) {
        Builder builder = builder();
        description.accept(builder);
        return builder.build();
    }

    /** The prompt as text, or null if it was given as ids. */
    public @Nullable String prompt() {
        return prompt;
    }

    /** The prompt as ids, empty if it was given as text. */
    public List<Integer> promptIds() {
        return promptIds;
    }

    public int maxTokens() {
        return maxTokens;
    }

    public Sampling sampling() {
        return sampling;
    }

    /** tau, the score above which an expert runs; empty for the model's own. */
    public OptionalDouble threshold() {
        return threshold == null ? OptionalDouble.empty() : OptionalDouble.of(threshold);
    }

    public boolean ignoreEndOfText() {
        return ignoreEndOfText;
    }

    public List<String> stopStrings() {
        return stopStrings;
    }

    /** Not thread-safe. */
    public static final class Builder {
        private @Nullable String prompt;
        private @Nullable List<Integer> promptIds;
        private int maxTokens = 256;
        private Sampling sampling = Sampling.defaults();
        private @Nullable Float threshold;
        private boolean ignoreEndOfText;
        private List<String> stopStrings = List.of();

        private Builder() {}

        public Builder prompt(String text) {
            prompt = text;
            return this;
        }

        public Builder promptIds(List<Integer> ids) {
            if (ids.isEmpty()) {
                throw new InvalidRequestException("promptIds", "at least one id", "none");
            }
            promptIds = new ArrayList<>(ids);
            return this;
        }

        public Builder promptIds(int... ids) {
            List<Integer> list = new ArrayList<>(ids.length);
            for (int id : ids) {
                list.add(id);
            }
            return promptIds(list);
        }

        /** At most this many tokens, 1 or more; 256 by default. */
        public Builder maxTokens(int count) {
            if (count < 1) {
                throw new InvalidRequestException("maxTokens", "1 or more", count);
            }
            maxTokens = count;
            return this;
        }

        public Builder sampling(Sampling how) {
            sampling = how;
            return this;
        }

        /**
         * The sparsity dial: an expert runs if its router score is above this. 0 to 1; a model without routers refuses it.
         * The higher, the sparser; the model was trained at its own default.
         */
        public Builder threshold(double tau) {
            if (!(tau >= 0 && tau <= 1)) {
                throw new InvalidRequestException("threshold", "0 to 1", tau);
            }
            threshold = (float) tau;
            return this;
        }

        /** Goes on after an end-of-text token, for measuring. */
        public Builder ignoreEndOfText(boolean ignore) {
            ignoreEndOfText = ignore;
            return this;
        }

        /** Generation stops before any of these; none is part of the text. At most 16, none empty. */
        public Builder stopStrings(List<String> strings) {
            if (strings.size() > 16 || strings.stream().anyMatch(String::isEmpty)) {
                throw new InvalidRequestException("stopStrings", "at most 16, none empty", strings);
            }
            stopStrings = List.copyOf(strings);
            return this;
        }

        public GenerationRequest build() {
            return new GenerationRequest(this);
        }
    }
}
