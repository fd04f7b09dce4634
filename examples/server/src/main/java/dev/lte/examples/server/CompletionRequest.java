package dev.lte.examples.server;

import dev.lte.GenerationRequest;
import dev.lte.InvalidRequestException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The body of {@code POST /v1/completions}: one prompt, as text or as token ids.
 *
 * @param logProbabilities how many alternatives are reported, or null for none
 */
record CompletionRequest(
        String model,
        GenerationRequest generation,
        GenerationFields.Streaming streaming,
        @Nullable Integer logProbabilities) {
    private static final int DEFAULT_MAX_TOKENS = 16;
    private static final int MAX_ALTERNATIVES = 5;

    static CompletionRequest read(RequestFields fields) {
        String model = fields.requiredText("model");
        GenerationFields.Streaming streaming = GenerationFields.Streaming.read(fields);
        Integer maxTokens = fields.count("max_tokens");
        JsonNodeFactory json = JsonNodeFactory.instance;
        fields.requireDefault("best_of", json.numberNode(1));
        fields.requireDefault("echo", json.booleanNode(false));
        fields.requireDefault("suffix", json.stringNode(""));
        try {
            GenerationRequest.Builder generation = GenerationRequest.builder();
            prompt(fields, generation);
            GenerationFields.read(fields, generation, maxTokens == null ? DEFAULT_MAX_TOKENS : maxTokens);
            Long alternatives = fields.integer("logprobs");
            if (alternatives != null) {
                if (alternatives < 0 || alternatives > MAX_ALTERNATIVES) {
                    throw fields.wrong("logprobs", "0 to " + MAX_ALTERNATIVES);
                }
                generation.logProbabilities(alternatives.intValue());
            }
            fields.requireNoOthers();
            return new CompletionRequest(
                    model, generation.build(), streaming, alternatives == null ? null : alternatives.intValue());
        } catch (InvalidRequestException e) {
            throw ApiException.of(e);
        }
    }

    private static void prompt(RequestFields fields, GenerationRequest.Builder generation) {
        JsonNode prompt = fields.node("prompt");
        if (prompt == null) {
            throw fields.missing("prompt");
        }
        JsonNode only = prompt.isArray() && prompt.size() == 1 && !prompt.get(0).isNumber() ? prompt.get(0) : prompt;
        if (only.isString()) {
            generation.prompt(only.stringValue());
            return;
        }
        List<Integer> ids = only.isArray() ? GenerationFields.ids(only) : null;
        if (ids == null) {
            throw fields.wrong("prompt", "one text or the token ids of one prompt");
        }
        generation.promptIds(ids);
    }
}
