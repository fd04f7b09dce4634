package dev.lte;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What to generate. Immutable; made by {@link #of} or {@link #builder}.
 *
 * <p>A request names its prompt as text or as token ids, not both. Text is encoded with the model's special tokens at its
 * begin; ids are used exactly as given.
 */
public final class GenerationRequest {
    private static final int DEFAULT_MAX_TOKENS = 256;

    private final @Nullable String prompt;
    private final List<Integer> promptIds;
    private final GenerationOptions options;

    private GenerationRequest(Builder builder) {
        if ((builder.prompt == null) == (builder.promptIds == null)) {
            throw new InvalidRequestException(
                    "prompt", "either text or ids", builder.prompt == null ? "neither" : "both");
        }
        prompt = builder.prompt;
        promptIds = builder.promptIds == null ? List.of() : List.copyOf(builder.promptIds);
        options = builder.options();
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

    /** Everything but the prompt. */
    public GenerationOptions options() {
        return options;
    }

    public int maxTokens() {
        return options.maxTokens().orElse(DEFAULT_MAX_TOKENS);
    }

    public Sampling sampling() {
        return options.sampling();
    }

    /** tau, the score above which an expert runs; empty for the model's own. */
    public OptionalDouble threshold() {
        return options.threshold();
    }

    public boolean ignoreEndOfText() {
        return options.ignoreEndOfText();
    }

    public List<String> stopStrings() {
        return options.stopStrings();
    }

    /** Not thread-safe. */
    public static final class Builder extends GenerationOptions.Builder<Builder> {
        private @Nullable String prompt;
        private @Nullable List<Integer> promptIds;

        private Builder() {
            super(DEFAULT_MAX_TOKENS);
        }

        @Override
        protected Builder self() {
            return this;
        }

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

        public GenerationRequest build() {
            return new GenerationRequest(this);
        }
    }
}
