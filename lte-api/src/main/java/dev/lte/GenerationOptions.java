package dev.lte;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What plain generations and chats have in common: how tokens are chosen and when to stop. Immutable; a part of {@link
 * GenerationRequest} and {@link dev.lte.chat.ChatRequest}, whose builders make it.
 */
public final class GenerationOptions {
    private final int maxTokens;
    private final Sampling sampling;
    private final @Nullable Float threshold;
    private final boolean ignoreEndOfText;
    private final List<String> stopStrings;
    private final List<Integer> stopIds;
    private final Map<Integer, Float> logitBias;
    private final int topLogProbabilities;
    private final ResponseFormat responseFormat;

    private GenerationOptions(Builder<?> builder) {
        maxTokens = builder.maxTokens;
        sampling = builder.sampling;
        threshold = builder.threshold;
        ignoreEndOfText = builder.ignoreEndOfText;
        stopStrings = builder.stopStrings;
        stopIds = builder.stopIds;
        logitBias = builder.logitBias;
        topLogProbabilities = builder.topLogProbabilities;
        responseFormat = builder.responseFormat;
    }

    /** Most tokens to generate, reasoning included; empty for as many as the context holds. */
    public OptionalInt maxTokens() {
        return maxTokens == 0 ? OptionalInt.empty() : OptionalInt.of(maxTokens);
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

    public List<Integer> stopIds() {
        return stopIds;
    }

    /** What is added to the logits of tokens, by id. */
    public Map<Integer, Float> logitBias() {
        return logitBias;
    }

    /** How many alternatives are reported for each token: 0 for the chosen token alone, empty for no log-probabilities. */
    public OptionalInt topLogProbabilities() {
        return topLogProbabilities < 0 ? OptionalInt.empty() : OptionalInt.of(topLogProbabilities);
    }

    public ResponseFormat responseFormat() {
        return responseFormat;
    }

    /**
     * The options of a request in the making. Not thread-safe.
     *
     * @param <B> the builder itself
     */
    public abstract static class Builder<B extends Builder<B>> {
        private int maxTokens;
        private Sampling sampling = Sampling.defaults();
        private @Nullable Float threshold;
        private boolean ignoreEndOfText;
        private List<String> stopStrings = List.of();
        private List<Integer> stopIds = List.of();
        private Map<Integer, Float> logitBias = Map.of();
        private int topLogProbabilities = -1;
        private ResponseFormat responseFormat = ResponseFormat.text();

        /** @param maxTokens 1 or more, or 0 for as many as the context holds */
        protected Builder(int maxTokens) {
            this.maxTokens = maxTokens;
        }

        protected abstract B self();

        /** The options as they are now. */
        protected final GenerationOptions options() {
            return new GenerationOptions(this);
        }

        /** Takes all options of another request. */
        public B options(GenerationOptions others) {
            maxTokens = others.maxTokens;
            sampling = others.sampling;
            threshold = others.threshold;
            ignoreEndOfText = others.ignoreEndOfText;
            stopStrings = others.stopStrings;
            stopIds = others.stopIds;
            logitBias = others.logitBias;
            topLogProbabilities = others.topLogProbabilities;
            responseFormat = others.responseFormat;
            return self();
        }

        /**
         * At most this many tokens, 1 or more. By default a {@link GenerationRequest} ends after 256, a chat when the context is
         * full.
         */
        public B maxTokens(int count) {
            require(count >= 1, "maxTokens", "1 or more", count);
            maxTokens = count;
            return self();
        }

        /** How the next token is chosen, with seed and penalties. */
        public B sampling(Sampling how) {
            sampling = Objects.requireNonNull(how);
            return self();
        }

        /**
         * The sparsity dial: an expert runs if its router score is above this. 0 to 1; a model without routers refuses it.
         * The higher, the sparser; the model was trained at its own default.
         */
        public B threshold(double tau) {
            require(tau >= 0 && tau <= 1, "threshold", "0 to 1", tau);
            threshold = (float) tau;
            return self();
        }

        /** Goes on after an end-of-text token, for measuring. */
        public B ignoreEndOfText(boolean ignore) {
            ignoreEndOfText = ignore;
            return self();
        }

        /**
         * Generation stops before any of these; none is part of the text. At most 16, none empty. In a chat they are looked for
         * in the text of the answer, not in its reasoning or its tool calls.
         */
        public B stopStrings(List<String> strings) {
            require(
                    strings.size() <= 16 && strings.stream().noneMatch(String::isEmpty),
                    "stopStrings",
                    "at most 16, none empty",
                    strings);
            stopStrings = List.copyOf(strings);
            return self();
        }

        /** Tokens that end the generation as an end-of-text token does, in addition to the model's own. */
        public B stopIds(List<Integer> ids) {
            stopIds = List.copyOf(new ArrayList<>(ids));
            return self();
        }

        /** Added to the logits of tokens before anything else, by id; -100 to 100 each. */
        public B logitBias(Map<Integer, Float> bias) {
            bias.forEach((id, value) -> require(value >= -100 && value <= 100, "logitBias", "-100 to 100", value));
            logitBias = Map.copyOf(new LinkedHashMap<>(bias));
            return self();
        }

        /**
         * Reports the log-probability of every token, and those of the {@code alternatives} most likely ones in its place.
         *
         * @param alternatives 0 to 20
         */
        public B logProbabilities(int alternatives) {
            require(alternatives >= 0 && alternatives <= 20, "logProbabilities", "0 to 20", alternatives);
            topLogProbabilities = alternatives;
            return self();
        }

        /** What the text must be; enforced token by token. */
        public B responseFormat(ResponseFormat format) {
            responseFormat = Objects.requireNonNull(format);
            return self();
        }

        private static void require(boolean inRange, String option, String expected, Object found) {
            if (!inRange) {
                throw new InvalidRequestException(option, expected, found);
            }
        }
    }
}
