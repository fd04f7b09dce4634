package dev.lte.examples.server;

import dev.lte.SparsityReport;
import dev.lte.TokenLogProbability;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatMessage;
import dev.lte.chat.ToolCall;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Chat completions. */
final class ChatAnswerWriter implements AnswerWriter<ChatEvent> {
    private final String id;
    private final long created;
    private final String model;
    private final ChatCompletionRequest request;
    private final boolean logProbabilities;
    private final LiveSparsity live;
    private final List<TokenLogProbability> collected = new ArrayList<>();
    private ChatEvent.@Nullable Completed completed;
    private boolean begun;

    /** @param live asked for what is new with every delta, if the request wants it */
    ChatAnswerWriter(String id, long created, String model, ChatCompletionRequest request, LiveSparsity live) {
        this.id = "chatcmpl-" + id;
        this.created = created;
        this.model = model;
        this.request = request;
        this.live = live;
        logProbabilities = request.chat().options().topLogProbabilities().isPresent();
    }

    @Override
    public List<ObjectNode> chunks(ChatEvent event) {
        List<ObjectNode> chunks = new ArrayList<>(2);
        if (!begun) {
            begun = true;
            ObjectNode chunk = chunk();
            choice(chunk, List.of()).putObject("delta").put("role", "assistant").put("content", "");
            chunks.add(chunk);
        }
        switch (event) {
            case ChatEvent.TextDelta text -> chunks.add(delta(text, "content", text.text()));
            case ChatEvent.ReasoningDelta thought -> chunks.add(delta(thought, "reasoning_content", thought.text()));
            case ChatEvent.ToolCallDelta call -> chunks.add(delta(call));
            case ChatEvent.Completed done -> end(done, chunks);
        }
        if (request.streaming().includeSparsity() && event instanceof ChatEvent.Delta) {
            SparsityReport sparsity = live.take();
            if (sparsity != null) {
                chunks.getLast().set("lte", ResponseBodies.measured(sparsity));
            }
        }
        return chunks;
    }

    private ObjectNode chunk() {
        ObjectNode chunk = ResponseBodies.envelope(id, "chat.completion.chunk", created, model);
        if (request.streaming().includeUsage()) {
            chunk.putNull("usage");
        }
        return chunk;
    }

    private ObjectNode choice(ObjectNode chunk, List<TokenLogProbability> tokens) {
        ObjectNode choice = chunk.putArray("choices").addObject().put("index", 0);
        if (logProbabilities) {
            choice.set("logprobs", ResponseBodies.logProbabilities(tokens));
        } else {
            choice.putNull("logprobs");
        }
        return choice.putNull("finish_reason");
    }

    private ObjectNode delta(ChatEvent.Delta event, String field, String text) {
        ObjectNode chunk = chunk();
        choice(chunk, event.logProbabilities()).putObject("delta").put(field, text);
        return chunk;
    }

    private ObjectNode delta(ChatEvent.ToolCallDelta event) {
        ObjectNode chunk = chunk();
        ObjectNode call = choice(chunk, event.logProbabilities())
                .putObject("delta")
                .putArray("tool_calls")
                .addObject()
                .put("index", event.index());
        if (event.id() != null) {
            call.put("id", event.id()).put("type", "function");
        }
        ObjectNode function = call.putObject("function");
        if (event.name() != null) {
            function.put("name", event.name());
        }
        function.put("arguments", event.arguments());
        return chunk;
    }

    private void end(ChatEvent.Completed done, List<ObjectNode> chunks) {
        ObjectNode last = chunk();
        ObjectNode choice =
                choice(last, List.of()).put("finish_reason", ResponseBodies.finishReason(done.finishReason()));
        choice.putObject("delta");
        last.set("lte", ResponseBodies.measured(done.timings(), done.sparsity()));
        chunks.add(last);
        if (request.streaming().includeUsage()) {
            ObjectNode usage = chunk();
            usage.putArray("choices");
            usage.set("usage", ResponseBodies.usage(done.usage()));
            chunks.add(usage);
        }
    }

    @Override
    public void collect(ChatEvent event) {
        if (event instanceof ChatEvent.Completed done) {
            completed = done;
        } else if (event instanceof ChatEvent.Delta delta) {
            collected.addAll(delta.logProbabilities());
        }
    }

    @Override
    public ObjectNode whole() {
        ChatEvent.Completed done = completed;
        if (done == null) {
            throw new IllegalStateException("the answer has no end");
        }
        ObjectNode body = ResponseBodies.envelope(id, "chat.completion", created, model);
        ObjectNode choice =
                choice(body, collected).put("finish_reason", ResponseBodies.finishReason(done.finishReason()));
        ChatMessage.Assistant answer = done.message();
        ObjectNode message = choice.putObject("message").put("role", "assistant");
        message.put("content", answer.text().isEmpty() && !answer.toolCalls().isEmpty() ? null : answer.text());
        message.putNull("refusal");
        if (answer.reasoning() != null) {
            message.put("reasoning_content", answer.reasoning());
        }
        if (!answer.toolCalls().isEmpty()) {
            ArrayNode calls = message.putArray("tool_calls");
            for (ToolCall call : answer.toolCalls()) {
                ObjectNode entry = calls.addObject().put("id", call.id()).put("type", "function");
                entry.putObject("function").put("name", call.name()).put("arguments", call.arguments());
            }
        }
        body.set("usage", ResponseBodies.usage(done.usage()));
        body.set("lte", ResponseBodies.measured(done.timings(), done.sparsity()));
        return body;
    }
}
