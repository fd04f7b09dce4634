package dev.lte.examples.springai;

import dev.lte.InvalidRequestException;
import dev.lte.Sampling;
import dev.lte.chat.ChatMessage;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.Tool;
import dev.lte.chat.ToolCall;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.messages.AssistantMessage;
import org.springframework.ai.chat.messages.Message;
import org.springframework.ai.chat.messages.SystemMessage;
import org.springframework.ai.chat.messages.ToolResponseMessage;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.content.Media;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.definition.ToolDefinition;

/** Prompts of Spring AI as chat requests. What a request has no place for is an error. */
final class ChatRequests {
    private ChatRequests() {}

    static ChatRequest of(List<Message> messages, LteChatOptions options) {
        return ChatRequest.of(request -> {
            request.messages(messages.stream().flatMap(ChatRequests::message).toList());
            List<ToolCallback> tools = options.getToolCallbacks();
            if (tools != null) {
                request.tools(tools.stream().map(ChatRequests::tool).toList());
            }
            request.sampling(sampling(options));
            set(options.getMaxTokens(), request::maxTokens);
            set(options.getStopSequences(), request::stopStrings);
            set(options.getStopIds(), request::stopIds);
            set(options.getLogitBias(), request::logitBias);
            set(options.getLogProbabilities(), request::logProbabilities);
            set(options.getThreshold(), request::threshold);
            set(options.getIgnoreEndOfText(), request::ignoreEndOfText);
            set(options.getResponseFormat(), request::responseFormat);
            set(options.getReasoning(), request::reasoning);
            set(options.getToolChoice(), request::toolChoice);
        });
    }

    private static <T> void set(@Nullable T value, Consumer<T> option) {
        if (value != null) {
            option.accept(value);
        }
    }

    private static Sampling sampling(LteChatOptions options) {
        Sampling unset = Sampling.defaults();
        Integer topK = options.getTopK();
        Long seed = options.getSeed();
        return new Sampling(
                real(options.getRepetitionPenalty(), unset.repetitionPenalty()),
                real(options.getFrequencyPenalty(), unset.frequencyPenalty()),
                real(options.getPresencePenalty(), unset.presencePenalty()),
                real(options.getTemperature(), unset.temperature()),
                topK == null ? unset.topK() : topK,
                real(options.getTypicalP(), unset.typicalP()),
                real(options.getTopP(), unset.topP()),
                real(options.getMinP(), unset.minP()),
                seed == null ? ThreadLocalRandom.current().nextLong() : seed);
    }

    private static float real(@Nullable Double value, float unset) {
        return value == null ? unset : value.floatValue();
    }

    private static Tool tool(ToolCallback callback) {
        ToolDefinition tool = callback.getToolDefinition();
        String schema = tool.inputSchema();
        return new Tool(tool.name(), tool.description(), schema.isBlank() ? Tool.NO_PARAMETERS : schema);
    }

    private static Stream<ChatMessage> message(Message message) {
        return switch (message) {
            case SystemMessage system -> Stream.of(ChatMessage.system(text(system)));
            case UserMessage user -> {
                requireNoMedia(user.getMedia());
                yield Stream.of(ChatMessage.user(text(user)));
            }
            case AssistantMessage assistant -> Stream.of(assistant(assistant));
            case ToolResponseMessage results ->
                results.getResponses().stream()
                        .map(result -> new ChatMessage.ToolResult(result.id(), result.name(), result.responseData()));
            default ->
                throw new InvalidRequestException(
                        "messages",
                        "system, user, assistant and tool response messages",
                        message.getClass().getName());
        };
    }

    private static ChatMessage assistant(AssistantMessage message) {
        requireNoMedia(message.getMedia());
        return new ChatMessage.Assistant(
                text(message),
                message.getMetadata().get(LteMetadata.REASONING) instanceof String reasoning ? reasoning : null,
                message.getToolCalls().stream()
                        .map(call -> new ToolCall(call.id(), call.name(), call.arguments()))
                        .toList());
    }

    private static String text(Message message) {
        String text = message.getText();
        return text == null ? "" : text;
    }

    private static void requireNoMedia(List<Media> media) {
        if (!media.isEmpty()) {
            throw new InvalidRequestException(
                    "messages", "text alone", media.getFirst().getMimeType() + " media");
        }
    }
}
