package dev.lte.examples.server;

import dev.lte.Completed;
import dev.lte.GenerationEvent;
import dev.lte.TextDelta;
import dev.lte.TokenLogProbability;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Completions without a conversation. */
final class CompletionAnswerWriter implements AnswerWriter<GenerationEvent> {
    private final String id;
    private final long created;
    private final String model;
    private final CompletionRequest request;
    private final StringBuilder text = new StringBuilder();
    private final List<TokenLogProbability> collected = new ArrayList<>();
    private @Nullable Completed completed;
    private int offset;

    CompletionAnswerWriter(String id, long created, String model, CompletionRequest request) {
        this.id = "cmpl-" + id;
        this.created = created;
        this.model = model;
        this.request = request;
    }

    @Override
    public List<ObjectNode> chunks(GenerationEvent event) {
        List<ObjectNode> chunks = new ArrayList<>(2);
        switch (event) {
            case TextDelta delta -> {
                if (!delta.text().isEmpty() || !delta.logProbabilities().isEmpty()) {
                    ObjectNode chunk = chunk();
                    choice(chunk, delta.text(), delta.logProbabilities());
                    chunks.add(chunk);
                }
            }
            case Completed done -> {
                ObjectNode last = chunk();
                choice(last, "", List.of()).put("finish_reason", ResponseBodies.finishReason(done.finishReason()));
                last.set("lte", ResponseBodies.measured(done.timings(), done.sparsity()));
                chunks.add(last);
                if (request.streaming().includeUsage()) {
                    ObjectNode usage = chunk();
                    usage.putArray("choices");
                    usage.set("usage", ResponseBodies.usage(done.usage()));
                    chunks.add(usage);
                }
            }
        }
        return chunks;
    }

    private ObjectNode chunk() {
        ObjectNode chunk = ResponseBodies.envelope(id, "text_completion", created, model);
        if (request.streaming().includeUsage()) {
            chunk.putNull("usage");
        }
        return chunk;
    }

    private ObjectNode choice(ObjectNode body, String piece, List<TokenLogProbability> tokens) {
        ObjectNode choice = body.putArray("choices").addObject().put("index", 0).put("text", piece);
        if (request.logProbabilities() == null) {
            choice.putNull("logprobs");
        } else {
            choice.set("logprobs", logProbabilities(tokens, choice.objectNode()));
        }
        return choice.putNull("finish_reason");
    }

    /** The older form: parallel arrays. */
    private ObjectNode logProbabilities(List<TokenLogProbability> tokens, ObjectNode body) {
        ArrayNode texts = body.putArray("tokens");
        ArrayNode values = body.putArray("token_logprobs");
        ArrayNode tops = body.putArray("top_logprobs");
        ArrayNode offsets = body.putArray("text_offset");
        for (TokenLogProbability token : tokens) {
            texts.add(token.token().text());
            values.add(ResponseBodies.finite(token.token().logProbability()));
            ObjectNode top = tops.addObject();
            token.alternatives().forEach(other -> top.put(other.text(), ResponseBodies.finite(other.logProbability())));
            offsets.add(offset);
            offset += token.token().text().length();
        }
        return body;
    }

    @Override
    public void collect(GenerationEvent event) {
        switch (event) {
            case TextDelta delta -> {
                text.append(delta.text());
                collected.addAll(delta.logProbabilities());
            }
            case Completed done -> completed = done;
        }
    }

    @Override
    public ObjectNode whole() {
        Completed done = completed;
        if (done == null) {
            throw new IllegalStateException("the answer has no end");
        }
        ObjectNode body = ResponseBodies.envelope(id, "text_completion", created, model);
        choice(body, text.toString(), collected).put("finish_reason", ResponseBodies.finishReason(done.finishReason()));
        body.set("usage", ResponseBodies.usage(done.usage()));
        body.set("lte", ResponseBodies.measured(done.timings(), done.sparsity()));
        return body;
    }
}
