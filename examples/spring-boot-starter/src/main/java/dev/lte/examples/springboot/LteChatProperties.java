package dev.lte.examples.springboot;

import dev.lte.examples.springai.LteChatOptions;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Options of prompts that have none of their own. What is not set is as the model's library has it.
 *
 * @param model what the model is called in observations and options; its own name if not set
 * @param temperature divides the logits; 0 always takes the most likely token
 * @param topK keeps the k most likely tokens; 0 keeps all
 * @param topP keeps the smallest set of tokens whose probability reaches this
 * @param minP drops tokens less likely than this share of the most likely one
 * @param typicalP locally typical sampling
 * @param repetitionPenalty against tokens that the context has already
 * @param frequencyPenalty for each time that a token was generated
 * @param presencePenalty once for each token that was generated
 * @param maxTokens most tokens of an answer; as many as the context holds if not set
 * @param stopSequences an answer stops before any of these
 * @param seed of the random numbers; another one for each request if not set
 * @param threshold tau, the sparsity dial, 0 to 1; the model's own if not set
 * @param reasoning whether the model thinks before it answers; its template decides if not set
 */
@ConfigurationProperties("lte.chat")
public record LteChatProperties(
        @Nullable String model,
        @Nullable Double temperature,
        @Nullable Integer topK,
        @Nullable Double topP,
        @Nullable Double minP,
        @Nullable Double typicalP,
        @Nullable Double repetitionPenalty,
        @Nullable Double frequencyPenalty,
        @Nullable Double presencePenalty,
        @Nullable Integer maxTokens,
        @Nullable List<String> stopSequences,
        @Nullable Long seed,
        @Nullable Double threshold,
        @Nullable Boolean reasoning) {
    LteChatOptions options() {
        return LteChatOptions.builder()
                .model(model)
                .temperature(temperature)
                .topK(topK)
                .topP(topP)
                .minP(minP)
                .typicalP(typicalP)
                .repetitionPenalty(repetitionPenalty)
                .frequencyPenalty(frequencyPenalty)
                .presencePenalty(presencePenalty)
                .maxTokens(maxTokens)
                .stopSequences(stopSequences)
                .seed(seed)
                .threshold(threshold)
                .reasoning(reasoning)
                .build();
    }
}
