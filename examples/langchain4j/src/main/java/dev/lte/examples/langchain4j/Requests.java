package dev.lte.examples.langchain4j;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.internal.Json;
import dev.langchain4j.internal.JsonSchemaElementUtils;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import dev.lte.ResponseFormat;
import dev.lte.Sampling;
import dev.lte.chat.ChatMessage;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.Tool;
import dev.lte.chat.ToolCall;
import dev.lte.chat.ToolChoice;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Requests of LangChain4j as chat requests. What a request has no place for is an error. */
final class Requests {
    private Requests() {}

    static ChatRequest of(
            List<dev.langchain4j.data.message.ChatMessage> messages, LteChatRequestParameters parameters) {
        return ChatRequest.of(request -> {
            request.messages(messages.stream().map(Requests::message).toList());
            List<ToolSpecification> tools = parameters.toolSpecifications();
            if (tools != null) {
                request.tools(tools.stream().map(Requests::tool).toList());
            }
            ToolChoice choice = toolChoice(parameters);
            if (choice != null) {
                request.toolChoice(choice);
            }
            request.sampling(sampling(parameters));
            set(parameters.maxOutputTokens(), request::maxTokens);
            set(parameters.stopSequences(), request::stopStrings);
            set(parameters.stopIds(), request::stopIds);
            set(parameters.logitBias(), request::logitBias);
            set(parameters.logProbabilities(), request::logProbabilities);
            set(parameters.threshold(), request::threshold);
            set(parameters.ignoreEndOfText(), request::ignoreEndOfText);
            set(parameters.reasoning(), request::reasoning);
            request.responseFormat(responseFormat(parameters.responseFormat()));
        });
    }

    private static <T> void set(@Nullable T value, Consumer<T> option) {
        if (value != null) {
            option.accept(value);
        }
    }

    private static Sampling sampling(LteChatRequestParameters parameters) {
        Sampling unset = Sampling.defaults();
        Integer topK = parameters.topK();
        Long seed = parameters.seed();
        return new Sampling(
                real(parameters.repetitionPenalty(), unset.repetitionPenalty()),
                real(parameters.frequencyPenalty(), unset.frequencyPenalty()),
                real(parameters.presencePenalty(), unset.presencePenalty()),
                real(parameters.temperature(), unset.temperature()),
                topK == null ? unset.topK() : topK,
                real(parameters.typicalP(), unset.typicalP()),
                real(parameters.topP(), unset.topP()),
                real(parameters.minP(), unset.minP()),
                seed == null ? ThreadLocalRandom.current().nextLong() : seed);
    }

    private static float real(@Nullable Double value, float unset) {
        return value == null ? unset : value.floatValue();
    }

    private static ResponseFormat responseFormat(dev.langchain4j.model.chat.request.@Nullable ResponseFormat format) {
        if (format == null || format.type() == ResponseFormatType.TEXT) {
            return ResponseFormat.text();
        }
        return format.jsonSchema() == null
                ? ResponseFormat.jsonObject()
                : ResponseFormat.jsonSchema(json(format.jsonSchema().rootElement()));
    }

    private static String json(JsonSchemaElement schema) {
        return Json.toJson(JsonSchemaElementUtils.toMap(schema));
    }

    private static @Nullable ToolChoice toolChoice(LteChatRequestParameters parameters) {
        String tool = parameters.requiredTool();
        if (tool != null) {
            return ToolChoice.function(tool);
        }
        return switch (parameters.toolChoice()) {
            case null -> null;
            case AUTO -> ToolChoice.auto();
            case REQUIRED -> ToolChoice.required();
            case NONE -> ToolChoice.none();
        };
    }

    private static Tool tool(ToolSpecification tool) {
        JsonObjectSchema parameters = tool.parameters();
        boolean none =
                parameters == null || (parameters.properties().isEmpty() && parameters.additionalProperties() == null);
        Tool made = new Tool(
                tool.name(),
                tool.description() == null ? "" : tool.description(),
                none ? Tool.NO_PARAMETERS : json(parameters));
        return Boolean.TRUE.equals(tool.strict()) ? made.asStrict() : made;
    }

    private static ChatMessage message(dev.langchain4j.data.message.ChatMessage message) {
        return switch (message) {
            case SystemMessage system -> ChatMessage.system(system.text());
            case UserMessage user -> ChatMessage.user(text(user.contents()));
            case AiMessage answer -> assistant(answer);
            case ToolExecutionResultMessage result ->
                new ChatMessage.ToolResult(result.id(), result.toolName(), text(result.contents()));
            default -> throw unsupported("messages of type", message.type());
        };
    }

    private static ChatMessage assistant(AiMessage answer) {
        if (!answer.images().isEmpty()) {
            throw new UnsupportedFeatureException(
                    "images in messages of the model are not supported, only text is; leave them out");
        }
        return new ChatMessage.Assistant(
                answer.text() == null ? "" : answer.text(),
                answer.thinking(),
                answer.toolExecutionRequests().stream()
                        .map(call -> new ToolCall(call.id(), call.name(), call.arguments()))
                        .toList());
    }

    private static String text(List<Content> contents) {
        return contents.stream()
                .map(content -> switch (content) {
                    case TextContent text -> text.text();
                    default -> throw unsupported("contents of type", content.type());
                })
                .collect(Collectors.joining());
    }

    private static UnsupportedFeatureException unsupported(String what, Enum<?> type) {
        return new UnsupportedFeatureException(
                what + " " + type.name().toLowerCase(Locale.ROOT) + " are not supported, only text is; leave them out");
    }
}
