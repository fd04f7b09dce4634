package dev.lte.examples.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.TokenLogProbability;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What is known of an answer: also how fast and how sparse it was. */
public final class LteChatResponseMetadata extends ChatResponseMetadata {
    private final Measured measured;

    private LteChatResponseMetadata(Builder builder) {
        super(builder);
        measured = builder.measured;
    }

    /** Time to the first token, tokens per second. */
    public Timings timings() {
        return measured.timings;
    }

    /** The share of the FFN that was skipped. */
    public SparsityReport sparsity() {
        return measured.sparsity;
    }

    /** The seed that was used: with it the same request gives the same tokens. */
    public long seed() {
        return measured.seed;
    }

    /** How many tokens of the prompt were found in the cache. */
    public int cachedTokens() {
        return measured.cachedTokens;
    }

    /** The stop string that was found, or null. */
    public @Nullable String stopString() {
        return measured.stopString;
    }

    /** Of every token, if they were asked for; else empty. */
    public List<TokenLogProbability> logProbabilities() {
        return measured.logProbabilities;
    }

    @Override
    public Builder toBuilder() {
        Builder builder = new Builder(measured);
        super.toBuilder(builder);
        return builder;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return super.equals(other) && other instanceof LteChatResponseMetadata that && measured.equals(that.measured);
    }

    @Override
    public int hashCode() {
        return Objects.hash(super.hashCode(), measured);
    }

    @Override
    public String toString() {
        return super.toString() + measured;
    }

    record Measured(
            Timings timings,
            SparsityReport sparsity,
            long seed,
            int cachedTokens,
            @Nullable String stopString,
            List<TokenLogProbability> logProbabilities) {
        Measured {
            logProbabilities = List.copyOf(logProbabilities);
        }
    }

    /** Not thread-safe. */
    public static final class Builder extends ChatResponseMetadata.Builder<Builder> {
        private final Measured measured;

        Builder(Measured measured) {
            this.measured = measured;
        }

        @Override
        public LteChatResponseMetadata build() {
            return new LteChatResponseMetadata(this);
        }
    }
}
