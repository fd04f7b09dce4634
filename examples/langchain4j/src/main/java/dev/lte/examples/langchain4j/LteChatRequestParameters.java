package dev.lte.examples.langchain4j;

import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of LangChain4j and those that only LTE has. What is null is as {@link dev.lte.chat.ChatRequest} and {@link
 * dev.lte.Sampling} have it by default. Immutable. Values are checked when a request is made.
 */
public final class LteChatRequestParameters extends DefaultChatRequestParameters {
    private final Values values;

    private LteChatRequestParameters(Builder builder) {
        super(builder);
        values = builder.values.copy();
    }

    public static Builder builder() {
        return new Builder();
    }

    /** The same, if they are of this class; those of LangChain4j with nothing more. */
    static LteChatRequestParameters of(ChatRequestParameters parameters) {
        return parameters instanceof LteChatRequestParameters own
                ? own
                : builder().overrideWith(parameters).build();
    }

    public @Nullable Long seed() {
        return values.seed;
    }

    public @Nullable Double minP() {
        return values.minP;
    }

    public @Nullable Double typicalP() {
        return values.typicalP;
    }

    public @Nullable Double repetitionPenalty() {
        return values.repetitionPenalty;
    }

    public @Nullable Double threshold() {
        return values.threshold;
    }

    public @Nullable List<Integer> stopIds() {
        return values.stopIds;
    }

    public @Nullable Map<Integer, Float> logitBias() {
        return values.logitBias;
    }

    public @Nullable Integer logProbabilities() {
        return values.logProbabilities;
    }

    public @Nullable Boolean ignoreEndOfText() {
        return values.ignoreEndOfText;
    }

    public @Nullable Boolean reasoning() {
        return values.reasoning;
    }

    public @Nullable String requiredTool() {
        return values.requiredTool;
    }

    @Override
    public ChatRequestParameters overrideWith(ChatRequestParameters that) {
        return builder().overrideWith(this).overrideWith(that).build();
    }

    @Override
    public ChatRequestParameters defaultedBy(ChatRequestParameters that) {
        return builder().overrideWith(that).overrideWith(this).build();
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return super.equals(other)
                && other instanceof LteChatRequestParameters that
                && values.all().equals(that.values.all());
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), values.all());
    }

    @Override
    public String toString() {
        return super.toString() + values.all();
    }

    /** What LangChain4j has no names for. */
    private static final class Values {
        @Nullable
        Long seed;

        @Nullable
        Double minP;

        @Nullable
        Double typicalP;

        @Nullable
        Double repetitionPenalty;

        @Nullable
        Double threshold;

        @Nullable
        List<Integer> stopIds;

        @Nullable
        Map<Integer, Float> logitBias;

        @Nullable
        Integer logProbabilities;

        @Nullable
        Boolean ignoreEndOfText;

        @Nullable
        Boolean reasoning;

        @Nullable
        String requiredTool;

        Values copy() {
            Values copy = new Values();
            copy.take(this);
            return copy;
        }

        /** Those of the other replace these where it has them. */
        void take(Values other) {
            seed = or(other.seed, seed);
            minP = or(other.minP, minP);
            typicalP = or(other.typicalP, typicalP);
            repetitionPenalty = or(other.repetitionPenalty, repetitionPenalty);
            threshold = or(other.threshold, threshold);
            stopIds = or(other.stopIds, stopIds);
            logitBias = or(other.logitBias, logitBias);
            logProbabilities = or(other.logProbabilities, logProbabilities);
            ignoreEndOfText = or(other.ignoreEndOfText, ignoreEndOfText);
            reasoning = or(other.reasoning, reasoning);
            requiredTool = or(other.requiredTool, requiredTool);
        }

        private static <T> @Nullable T or(@Nullable T first, @Nullable T second) {
            return first == null ? second : first;
        }

        List<@Nullable Object> all() {
            return Arrays.asList(
                    seed,
                    minP,
                    typicalP,
                    repetitionPenalty,
                    threshold,
                    stopIds,
                    logitBias,
                    logProbabilities,
                    ignoreEndOfText,
                    reasoning,
                    requiredTool);
        }
    }

    /** Not thread-safe. */
    public static final class Builder extends DefaultChatRequestParameters.Builder<Builder> {
        private final Values values = new Values();

        private Builder() {}

        /**
         * Takes what the other has.
         *
         * @throws UnsupportedFeatureException if they are of another provider, whose parameters would be lost
         */
        @Override
        public Builder overrideWith(ChatRequestParameters parameters) {
            super.overrideWith(parameters);
            if (parameters instanceof LteChatRequestParameters own) {
                values.take(own.values);
            } else if (parameters.getClass() != DefaultChatRequestParameters.class) {
                throw new UnsupportedFeatureException(
                        "expected LteChatRequestParameters or those of LangChain4j, found "
                                + parameters.getClass().getName());
            }
            return this;
        }

        /** Of the random numbers: the same seed, model, backend and request give the same tokens. Another one for each request if not set. */
        public Builder seed(@Nullable Long seed) {
            values.seed = seed;
            return this;
        }

        /** Drops tokens less likely than this share of the most likely one; 0 or more, below 1. */
        public Builder minP(@Nullable Double minP) {
            values.minP = minP;
            return this;
        }

        /** Locally typical sampling; above 0, at most 1. */
        public Builder typicalP(@Nullable Double typicalP) {
            values.typicalP = typicalP;
            return this;
        }

        /** Against tokens that the context has already; 0.5 to 2. */
        public Builder repetitionPenalty(@Nullable Double repetitionPenalty) {
            values.repetitionPenalty = repetitionPenalty;
            return this;
        }

        /** tau, the sparsity dial, 0 to 1; a model without routers refuses it. */
        public Builder threshold(@Nullable Double threshold) {
            values.threshold = threshold;
            return this;
        }

        /** Tokens that end the answer, in addition to the model's own. */
        public Builder stopIds(@Nullable List<Integer> stopIds) {
            values.stopIds = stopIds == null ? null : List.copyOf(stopIds);
            return this;
        }

        /** Added to the logits of tokens, by id; -100 to 100 each. */
        public Builder logitBias(@Nullable Map<Integer, Float> logitBias) {
            values.logitBias = logitBias == null ? null : Map.copyOf(logitBias);
            return this;
        }

        /** Reports the log-probability of every token and those of this many alternatives; 0 to 20. */
        public Builder logProbabilities(@Nullable Integer logProbabilities) {
            values.logProbabilities = logProbabilities;
            return this;
        }

        /** Goes on after an end-of-text token, for measuring. */
        public Builder ignoreEndOfText(@Nullable Boolean ignoreEndOfText) {
            values.ignoreEndOfText = ignoreEndOfText;
            return this;
        }

        /** Switches thinking on or off; a model whose template has no such switch refuses it. */
        public Builder reasoning(@Nullable Boolean reasoning) {
            values.reasoning = reasoning;
            return this;
        }

        /** The tool that must be called, by its name; sharper than {@code ToolChoice.REQUIRED}. */
        public Builder requiredTool(@Nullable String requiredTool) {
            values.requiredTool = requiredTool;
            return this;
        }

        @Override
        public LteChatRequestParameters build() {
            return new LteChatRequestParameters(this);
        }
    }
}
