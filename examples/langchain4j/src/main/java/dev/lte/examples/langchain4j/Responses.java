package dev.lte.examples.langchain4j;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.lte.CapacityException;
import dev.lte.ContextOverflowException;
import dev.lte.LteException;
import dev.lte.TokenLogProbability;
import dev.lte.UnsupportedSchemaException;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatMessage;
import dev.lte.chat.ToolCall;
import java.util.List;

/** Answers and errors as LangChain4j has them. */
final class Responses {
    private Responses() {}

    static ChatResponse of(
            String model, ChatEvent.Completed done, long seed, List<TokenLogProbability> logProbabilities) {
        ChatMessage.Assistant answer = done.message();
        LteChatResponseMetadata.Measured measured = new LteChatResponseMetadata.Measured(
                done.timings(),
                done.sparsity(),
                seed,
                done.usage().cachedTokens(),
                done.stopString(),
                logProbabilities);
        return ChatResponse.builder()
                .aiMessage(AiMessage.builder()
                        // Null where there is none, as with other providers.
                        .text(answer.text().isEmpty() && !answer.toolCalls().isEmpty() ? null : answer.text())
                        .thinking(answer.reasoning())
                        .toolExecutionRequests(
                                answer.toolCalls().stream().map(Responses::call).toList())
                        .build())
                .metadata(new LteChatResponseMetadata.Builder(measured)
                        .modelName(model)
                        .tokenUsage(new TokenUsage(
                                done.usage().promptTokens(), done.usage().generatedTokens()))
                        .finishReason(
                                switch (done.finishReason()) {
                                    case STOP -> FinishReason.STOP;
                                    case LENGTH -> FinishReason.LENGTH;
                                    case TOOL_CALLS -> FinishReason.TOOL_EXECUTION;
                                })
                        .build())
                .build();
    }

    static ToolExecutionRequest call(ToolCall call) {
        return ToolExecutionRequest.builder()
                .id(call.id())
                .name(call.name())
                .arguments(call.arguments())
                .build();
    }

    /** The cause is the error of LTE. Others are left as they are. */
    static Throwable error(Throwable error) {
        return switch (error) {
            case UnsupportedSchemaException e -> {
                UnsupportedFeatureException unsupported = new UnsupportedFeatureException(e.getMessage());
                unsupported.initCause(e);
                yield unsupported;
            }
            case dev.lte.InvalidRequestException e -> new InvalidRequestException(e.getMessage(), e);
            case ContextOverflowException e -> new InvalidRequestException(e.getMessage(), e);
            case CapacityException e -> new RateLimitException(e.getMessage(), e);
            case LteException e -> new InternalServerException(e.getMessage(), e);
            default -> error;
        };
    }
}
