package dev.lte.examples.server;

import dev.lte.FinishReason;
import dev.lte.ModelInfo;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.TokenLogProbability;
import dev.lte.Usage;
import java.time.Duration;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Parts that answers have in common. What OpenAI's protocol does not know stands under {@code lte}. */
final class ResponseBodies {
    private static final double MILLISECONDS = 1e-6;

    private ResponseBodies() {}

    /** What every answer and every chunk begins with. */
    static ObjectNode envelope(String id, String object, long created, String model) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("id", id)
                .put("object", object)
                .put("created", created)
                .put("model", model);
    }

    static String finishReason(FinishReason reason) {
        return switch (reason) {
            case STOP -> "stop";
            case LENGTH -> "length";
            case TOOL_CALLS -> "tool_calls";
        };
    }

    static ObjectNode usage(Usage usage) {
        ObjectNode body = JsonNodeFactory.instance
                .objectNode()
                .put("prompt_tokens", usage.promptTokens())
                .put("completion_tokens", usage.generatedTokens())
                .put("total_tokens", usage.promptTokens() + usage.generatedTokens());
        body.putObject("prompt_tokens_details").put("cached_tokens", usage.cachedTokens());
        body.putObject("completion_tokens_details").put("reasoning_tokens", usage.reasoningTokens());
        return body;
    }

    /** Sparsity and times. */
    static ObjectNode measured(Timings timings, SparsityReport sparsity) {
        ObjectNode body = measured(sparsity);
        body.putObject("timings")
                .put("queued_ms", milliseconds(timings.queued()))
                .put("time_to_first_token_ms", milliseconds(timings.timeToFirstToken()))
                .put("decode_ms", milliseconds(timings.decode()))
                .put("tokens_per_second", timings.tokensPerSecond());
        return body;
    }

    /** Sparsity alone, of an answer that is not complete. */
    static ObjectNode measured(SparsityReport sparsity) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        ObjectNode share =
                body.putObject("sparsity").put("mean", sparsity.mean()).put("tokens", sparsity.tokens());
        ArrayNode layers = share.putArray("per_layer");
        sparsity.perLayer().forEach(layers::add);
        return body;
    }

    private static double milliseconds(Duration time) {
        return time.toNanos() * MILLISECONDS;
    }

    /** {@code logprobs} of a chat completion. */
    static ObjectNode logProbabilities(List<TokenLogProbability> tokens) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        ArrayNode content = body.putArray("content");
        for (TokenLogProbability token : tokens) {
            ObjectNode entry = candidate(token.token());
            ArrayNode alternatives = entry.putArray("top_logprobs");
            token.alternatives().forEach(candidate -> alternatives.add(candidate(candidate)));
            content.add(entry);
        }
        body.putNull("refusal");
        return body;
    }

    private static ObjectNode candidate(TokenLogProbability.Candidate candidate) {
        ObjectNode entry = JsonNodeFactory.instance
                .objectNode()
                .put("token", candidate.text())
                .put("logprob", finite(candidate.logProbability()));
        ArrayNode bytes = entry.putArray("bytes");
        candidate.bytes().forEach(bytes::add);
        return entry;
    }

    /** JSON has no infinity; OpenAI's protocol uses this for the most unlikely. */
    static double finite(double logProbability) {
        return Math.max(logProbability, -9999);
    }

    static ObjectNode model(String id, long created, ModelInfo info) {
        ObjectNode body = JsonNodeFactory.instance
                .objectNode()
                .put("id", id)
                .put("object", "model")
                .put("created", created)
                .put("owned_by", "lte");
        ObjectNode facts = body.putObject("lte")
                .put("name", info.name())
                .put("architecture", info.architecture())
                .put("layers", info.layers())
                .put("context_length", info.contextLength())
                .put("parameters", info.parameters())
                .put("backend", info.backend())
                .put("device", info.device());
        ModelInfo.Routing routing = info.routing();
        if (routing == null) {
            facts.putNull("routing");
        } else {
            facts.putObject("routing")
                    .put("experts", routing.experts())
                    .put("expert_size", routing.expertSize())
                    .put("threshold", routing.threshold());
        }
        return body;
    }
}
