package dev.lte.examples.spark;

import dev.lte.GenerationOptions;
import dev.lte.Sampling;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * How rows are generated.
 *
 * @param chat whether a prompt is a user's message, put into the model's chat template; else the model goes on with the prompt
 * @param maxTokens most tokens of a row
 * @param temperature divides the logits; 0 always takes the most likely token
 * @param topK keeps the k most likely tokens; 0 keeps all
 * @param topP keeps the smallest set of tokens whose probability reaches this
 * @param minP drops tokens less likely than this share of the most likely one
 * @param repetitionPenalty against tokens that the context has already; 1 for none
 * @param seed every row has a seed of its own, made of this and its id: tokens depend neither on partitions nor on restarts
 * @param threshold tau, the sparsity dial; null for the model's own
 * @param stopStrings a text stops before any of these
 */
public record Generation(
        boolean chat,
        int maxTokens,
        float temperature,
        int topK,
        float topP,
        float minP,
        float repetitionPenalty,
        long seed,
        @Nullable Double threshold,
        List<String> stopStrings)
        implements Serializable {
    public Generation {
        stopStrings = List.copyOf(stopStrings);
    }

    /** Goes on with the prompt, at most 256 tokens, as {@link Sampling#defaults}. */
    public static Generation defaults() {
        Sampling unset = Sampling.defaults();
        return new Generation(
                false,
                256,
                unset.temperature(),
                unset.topK(),
                unset.topP(),
                unset.minP(),
                unset.repetitionPenalty(),
                0,
                null,
                List.of());
    }

    public Generation withChat(boolean isChat) {
        return new Generation(
                isChat, maxTokens, temperature, topK, topP, minP, repetitionPenalty, seed, threshold, stopStrings);
    }

    public Generation withMaxTokens(int count) {
        return new Generation(
                chat, count, temperature, topK, topP, minP, repetitionPenalty, seed, threshold, stopStrings);
    }

    public Generation withTemperature(float value) {
        return new Generation(
                chat, maxTokens, value, topK, topP, minP, repetitionPenalty, seed, threshold, stopStrings);
    }

    public Generation withSeed(long value) {
        return new Generation(
                chat, maxTokens, temperature, topK, topP, minP, repetitionPenalty, value, threshold, stopStrings);
    }

    public Generation withThreshold(double tau) {
        return new Generation(
                chat, maxTokens, temperature, topK, topP, minP, repetitionPenalty, seed, tau, stopStrings);
    }

    public Generation withStopStrings(List<String> strings) {
        return new Generation(
                chat, maxTokens, temperature, topK, topP, minP, repetitionPenalty, seed, threshold, strings);
    }

    /** @throws dev.lte.InvalidRequestException if a value is out of range */
    <B extends GenerationOptions.Builder<B>> B apply(B options, String id) {
        CRC32C hash = new CRC32C();
        hash.update(id.getBytes(StandardCharsets.UTF_8));
        options.maxTokens(maxTokens)
                .sampling(new Sampling(
                        repetitionPenalty, 0, 0, temperature, topK, 1, topP, minP, seed ^ (hash.getValue() << 31)))
                .stopStrings(stopStrings);
        if (threshold != null) {
            options.threshold(threshold);
        }
        return options;
    }
}
