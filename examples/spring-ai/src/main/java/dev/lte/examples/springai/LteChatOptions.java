package dev.lte.examples.springai;

import dev.lte.InvalidRequestException;
import dev.lte.ResponseFormat;
import dev.lte.chat.ToolChoice;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.prompt.ChatOptions;
import org.springframework.ai.chat.prompt.DefaultChatOptionsBuilder;
import org.springframework.ai.model.tool.DefaultStructuredOutputChatOptions;
import org.springframework.ai.model.tool.DefaultToolCallingChatOptions;
import org.springframework.ai.model.tool.StructuredOutputChatOptions;
import org.springframework.ai.model.tool.ToolCallingChatOptions;

/**
 * All options of a chat. What is null is as {@link dev.lte.chat.ChatRequest} and {@link dev.lte.Sampling} have it by default, but
 * for the seed, which then is another one for each request. Immutable.
 *
 * <p>Values are checked when a request is made: one that is out of range, or that the model cannot honour, ends the request with
 * an {@link dev.lte.LteException} before any work.
 */
public final class LteChatOptions extends DefaultToolCallingChatOptions implements StructuredOutputChatOptions {
    private final Values values;

    private LteChatOptions(ToolCallingChatOptions portable, Values values) {
        super(
                portable.getToolCallbacks(),
                portable.getToolContext(),
                portable.getModel(),
                portable.getFrequencyPenalty(),
                portable.getMaxTokens(),
                portable.getPresencePenalty(),
                portable.getStopSequences(),
                portable.getTemperature(),
                portable.getTopK(),
                portable.getTopP());
        this.values = values.copy();
    }

    public static Builder builder() {
        return new Builder();
    }

    /** Of the random numbers; null for another one in each request. */
    public @Nullable Long getSeed() {
        return values.seed;
    }

    public @Nullable Double getMinP() {
        return values.minP;
    }

    public @Nullable Double getTypicalP() {
        return values.typicalP;
    }

    public @Nullable Double getRepetitionPenalty() {
        return values.repetitionPenalty;
    }

    /** tau, the sparsity dial: an expert runs if its router score is above this. */
    public @Nullable Double getThreshold() {
        return values.threshold;
    }

    public @Nullable List<Integer> getStopIds() {
        return values.stopIds;
    }

    public @Nullable Map<Integer, Float> getLogitBias() {
        return values.logitBias;
    }

    /** How many alternatives are reported for each token. */
    public @Nullable Integer getLogProbabilities() {
        return values.logProbabilities;
    }

    public @Nullable Boolean getIgnoreEndOfText() {
        return values.ignoreEndOfText;
    }

    /** What the answer must be, enforced token by token. */
    public @Nullable ResponseFormat getResponseFormat() {
        return values.responseFormat;
    }

    /** The schema of {@link #getResponseFormat}, or null if it is none. */
    @Override
    public @Nullable String getOutputSchema() {
        return values.responseFormat instanceof ResponseFormat.JsonSchema format ? format.schema() : null;
    }

    /** Whether the model thinks before it answers. */
    public @Nullable Boolean getReasoning() {
        return values.reasoning;
    }

    public @Nullable ToolChoice getToolChoice() {
        return values.toolChoice;
    }

    @Override
    public Builder mutate() {
        Builder builder = builder()
                .model(getModel())
                .frequencyPenalty(getFrequencyPenalty())
                .maxTokens(getMaxTokens())
                .presencePenalty(getPresencePenalty())
                .stopSequences(getStopSequences())
                .temperature(getTemperature())
                .topK(getTopK())
                .topP(getTopP())
                .toolCallbacks(getToolCallbacks())
                .toolContext(getToolContext());
        builder.values.take(values);
        return builder;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return super.equals(other)
                && other instanceof LteChatOptions that
                && values.all().equals(that.values.all());
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), values.all());
    }

    /** What Spring AI has no names for. */
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
        ResponseFormat responseFormat;

        @Nullable
        Boolean reasoning;

        @Nullable
        ToolChoice toolChoice;

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
            responseFormat = or(other.responseFormat, responseFormat);
            reasoning = or(other.reasoning, reasoning);
            toolChoice = or(other.toolChoice, toolChoice);
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
                    responseFormat,
                    reasoning,
                    toolChoice);
        }
    }

    /** Not thread-safe. */
    public static final class Builder extends DefaultToolCallingChatOptions.Builder<Builder>
            implements StructuredOutputChatOptions.Builder<Builder> {
        private Values values = new Values();

        private Builder() {}

        /** Of the random numbers: the same seed, model, backend and request give the same tokens. */
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

        /** What the answer must be; enforced token by token. {@link #outputSchema} sets it too. */
        public Builder responseFormat(@Nullable ResponseFormat responseFormat) {
            values.responseFormat = responseFormat;
            return this;
        }

        /** Switches thinking on or off; a model whose template has no such switch refuses it. */
        public Builder reasoning(@Nullable Boolean reasoning) {
            values.reasoning = reasoning;
            return this;
        }

        /** Whether tools are called; with a required call the conversation goes on calling as long as this is set. */
        public Builder toolChoice(@Nullable ToolChoice toolChoice) {
            values.toolChoice = toolChoice;
            return this;
        }

        /** A JSON schema that the answer must satisfy; enforced token by token. Null for any text. */
        @Override
        public Builder outputSchema(@Nullable String schema) {
            return responseFormat(schema == null ? null : ResponseFormat.jsonSchema(schema));
        }

        @Override
        public Builder clone() {
            Builder copy = super.clone();
            copy.values = values.copy();
            return copy;
        }

        /**
         * Takes what the other has. Stop strings and tools are added to those that are here, as in other options of Spring AI.
         *
         * @param other of these options, or of the portable ones
         * @throws InvalidRequestException if it is of another provider, whose options would be lost
         */
        @Override
        public Builder combineWith(ChatOptions.Builder<?> other) {
            super.combineWith(other);
            if (other instanceof Builder own) {
                values.take(own.values);
            } else if (other.getClass() == DefaultStructuredOutputChatOptions.Builder.class) {
                String schema = ((StructuredOutputChatOptions) other.build()).getOutputSchema();
                if (schema != null) {
                    outputSchema(schema);
                }
            } else if (other.getClass() != DefaultChatOptionsBuilder.class
                    && other.getClass() != DefaultToolCallingChatOptions.Builder.class) {
                throw new InvalidRequestException(
                        "options",
                        "LteChatOptions or portable options",
                        other.getClass().getName());
            }
            return this;
        }

        @Override
        public LteChatOptions build() {
            return new LteChatOptions(super.build(), values);
        }
    }
}
