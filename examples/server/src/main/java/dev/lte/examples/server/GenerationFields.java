package dev.lte.examples.server;

import dev.lte.GenerationOptions;
import dev.lte.InvalidRequestException;
import dev.lte.Sampling;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * What chat completions and completions have in common. Beyond OpenAI's fields: {@code top_k}, {@code min_p}, {@code typical_p},
 * {@code repetition_penalty}, {@code ignore_eos} and {@code threshold}, the sparsity dial.
 */
final class GenerationFields {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private GenerationFields() {}

    /** @param maxTokens null for the default */
    static void read(RequestFields fields, GenerationOptions.Builder<?> options, @Nullable Integer maxTokens) {
        fields.requireDefault("n", JSON.numberNode(1));
        fields.requireDefault("store", JSON.booleanNode(false));
        fields.accept(
                "user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "service_tier");
        try {
            if (maxTokens != null) {
                options.maxTokens(maxTokens);
            }
            options.sampling(sampling(fields));
            options.stopStrings(fields.texts("stop"));
            options.logitBias(bias(fields));
            options.ignoreEndOfText(fields.flag("ignore_eos", false));
            Double threshold = fields.number("threshold");
            if (threshold != null) {
                options.threshold(threshold);
            }
        } catch (InvalidRequestException e) {
            throw ApiException.of(e);
        }
    }

    private static Sampling sampling(RequestFields fields) {
        Long seed = fields.integer("seed");
        Long topK = fields.integer("top_k");
        if (topK != null && (topK < 0 || topK > Integer.MAX_VALUE)) {
            throw fields.wrong("top_k", "0 or more");
        }
        return new Sampling(
                real(fields, "repetition_penalty", 1),
                real(fields, "frequency_penalty", 0),
                real(fields, "presence_penalty", 0),
                real(fields, "temperature", 1),
                topK == null ? 0 : topK.intValue(),
                real(fields, "typical_p", 1),
                real(fields, "top_p", 1),
                real(fields, "min_p", 0),
                seed == null ? ThreadLocalRandom.current().nextLong() : seed);
    }

    private static float real(RequestFields fields, String field, float fallback) {
        Double value = fields.number(field);
        return value == null ? fallback : value.floatValue();
    }

    private static Map<Integer, Float> bias(RequestFields fields) {
        JsonNode bias = fields.node("logit_bias");
        Map<Integer, Float> byId = new HashMap<>();
        if (bias != null) {
            if (!bias.isObject()) {
                throw fields.wrong("logit_bias", "an object of token ids and numbers");
            }
            bias.properties().forEach(entry -> {
                boolean isId =
                        entry.getKey().matches("[0-9]{1,9}") && entry.getValue().isNumber();
                if (!isId) {
                    throw fields.wrong("logit_bias", "an object of token ids and numbers");
                }
                byId.put(Integer.parseInt(entry.getKey()), entry.getValue().floatValue());
            });
        }
        return byId;
    }

    /** Whether to stream, and whether usage is told at the end of a stream, and sparsity now and then. */
    record Streaming(boolean stream, boolean includeUsage, boolean includeSparsity) {
        static Streaming read(RequestFields fields) {
            boolean stream = fields.flag("stream", false);
            RequestFields options = fields.child("stream_options");
            if (options == null) {
                return new Streaming(stream, false, false);
            }
            if (!stream) {
                throw ApiException.invalid("stream_options", "stream_options is only allowed when stream is true.");
            }
            boolean includeUsage = options.flag("include_usage", false);
            boolean includeSparsity = options.flag("include_sparsity", false);
            // Padding against readers of packet sizes; false is what is done.
            options.requireDefault("include_obfuscation", JSON.booleanNode(false));
            options.requireNoOthers();
            return new Streaming(true, includeUsage, includeSparsity);
        }
    }

    /** Token ids, or null if the array holds something else. */
    static @Nullable List<Integer> ids(JsonNode array) {
        List<Integer> ids = new ArrayList<>();
        for (JsonNode id : array) {
            if (!id.isIntegralNumber() || !id.canConvertToInt()) {
                return null;
            }
            ids.add(id.intValue());
        }
        return ids;
    }
}
