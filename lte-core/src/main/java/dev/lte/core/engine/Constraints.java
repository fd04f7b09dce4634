package dev.lte.core.engine;

import dev.lte.GenerationOptions;
import dev.lte.InvalidRequestException;
import dev.lte.ResponseFormat;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.ToolChoice;
import dev.lte.core.conversation.ReplyFormat;
import org.jspecify.annotations.Nullable;

/** Makes the constraints that requests ask for. Thread-safe. */
final class Constraints {
    /** For a plain generation; null if its text may be anything. */
    @Nullable
    Constraint of(GenerationOptions options) {
        if (options.responseFormat() instanceof ResponseFormat.Text) {
            return null;
        }
        throw new InvalidRequestException("responseFormat", "text", options.responseFormat());
    }

    /** For a chat; null if its reply may be anything. */
    @Nullable
    Constraint of(ChatRequest request, ReplyFormat format) {
        if (request.toolChoice() instanceof ToolChoice.Required || request.toolChoice() instanceof ToolChoice.Function) {
            throw new InvalidRequestException("toolChoice", "auto or none", request.toolChoice());
        }
        return of(request.options());
    }
}
