package dev.lte.examples.springai;

import dev.lte.TokenLogProbability;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatMessage;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.metadata.ChatGenerationMetadata;
import org.springframework.ai.chat.metadata.ChatResponseMetadata;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.model.Generation;

/** The events of one answer as responses of Spring AI. Gathers log-probabilities for the whole answer. */
final class ChatResponses {
    private final String model;
    private final long seed;
    private final List<TokenLogProbability> collected = new ArrayList<>();

    /** @param model what the model is called */
    ChatResponses(String model, long seed) {
        this.model = model;
        this.seed = seed;
    }

    /** A part of a stream, or null for an event that says nothing yet: a call is told when it is whole. */
    @Nullable
    ChatResponse part(ChatEvent event) {
        return switch (event) {
            case ChatEvent.TextDelta text -> delta(text.text(), Map.of(), text.logProbabilities());
            case ChatEvent.ReasoningDelta thought ->
                delta("", Map.of(LteMetadata.REASONING_DELTA, thought.text()), thought.logProbabilities());
            case ChatEvent.ToolCallDelta call ->
                call.logProbabilities().isEmpty() ? null : delta("", Map.of(), call.logProbabilities());
            case ChatEvent.Completed done -> end(done, "", List.of());
        };
    }

    /** Takes an event of an answer that is told as a whole. */
    void collect(ChatEvent event) {
        if (event instanceof ChatEvent.Delta delta) {
            collected.addAll(delta.logProbabilities());
        }
    }

    /** The whole answer; its log-probabilities are those of the events that were collected. */
    ChatResponse whole(ChatEvent.Completed done) {
        return end(done, done.message().text(), collected);
    }

    private ChatResponse delta(
            String text, Map<String, Object> properties, List<TokenLogProbability> logProbabilities) {
        ChatGenerationMetadata metadata = logProbabilities.isEmpty()
                ? ChatGenerationMetadata.NULL
                : ChatGenerationMetadata.builder()
                        .metadata(LteMetadata.LOG_PROBABILITIES, logProbabilities)
                        .build();
        AssistantMessage message =
                AssistantMessage.builder().content(text).properties(properties).build();
        return new ChatResponse(
                List.of(new Generation(message, metadata)),
                ChatResponseMetadata.builder().model(model).build());
    }

    private ChatResponse end(ChatEvent.Completed done, String text, List<TokenLogProbability> logProbabilities) {
        ChatMessage.Assistant answer = done.message();
        Map<String, Object> properties = new HashMap<>();
        if (answer.reasoning() != null) {
            properties.put(LteMetadata.REASONING, answer.reasoning());
        }
        AssistantMessage message = AssistantMessage.builder()
                .content(text)
                .properties(properties)
                .toolCalls(answer.toolCalls().stream()
                        .map(call ->
                                new AssistantMessage.ToolCall(call.id(), "function", call.name(), call.arguments()))
                        .toList())
                .build();
        ChatGenerationMetadata.Builder metadata = ChatGenerationMetadata.builder()
                .finishReason(done.finishReason().name())
                .metadata(LteMetadata.TIMINGS, done.timings())
                .metadata(LteMetadata.SPARSITY, done.sparsity())
                .metadata(LteMetadata.SEED, seed);
        if (done.stopString() != null) {
            metadata.metadata(LteMetadata.STOP_STRING, done.stopString());
        }
        if (!logProbabilities.isEmpty()) {
            metadata.metadata(LteMetadata.LOG_PROBABILITIES, List.copyOf(logProbabilities));
        }
        DefaultUsage usage = new DefaultUsage(
                done.usage().promptTokens(),
                done.usage().generatedTokens(),
                null,
                done.usage(),
                (long) done.usage().cachedTokens(),
                null);
        return new ChatResponse(
                List.of(new Generation(message, metadata.build())),
                ChatResponseMetadata.builder().model(model).usage(usage).build());
    }
}
