package dev.lte.core.engine;

import dev.lte.ContextOverflowException;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatMessage;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.Tool;
import dev.lte.chat.ToolChoice;
import dev.lte.core.conversation.PromptWriter;
import dev.lte.core.conversation.ReplyParser;
import dev.lte.core.token.StreamingDecoder;
import dev.lte.core.token.VocabularyTokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Makes generations of chat requests. Immutable and thread-safe. */
final class ChatPreparation {
    private final PromptWriter writer;
    private final VocabularyTokenizer tokenizer;
    private final Constraints constraints;
    private final int contextLength;

    ChatPreparation(PromptWriter writer, VocabularyTokenizer tokenizer, Constraints constraints, int contextLength) {
        this.writer = writer;
        this.tokenizer = tokenizer;
        this.constraints = constraints;
        this.contextLength = contextLength;
    }

    /** The tokens of a conversation so far, without those that open a reply. */
    int[] tokens(List<ChatMessage> messages) {
        return messages.isEmpty() ? new int[0] : writer.history(messages);
    }

    /** @throws dev.lte.LteException if the request does not fit the model, its template or the context */
    Generation<ChatEvent> prepare(ChatRequest request, float threshold, long realm) {
        PromptWriter.Prompt prompt = writer.write(request);
        int[] ids = prompt.ids();
        int asked = request.options().maxTokens().orElse(0);
        int least = Math.max(1, asked);
        if ((long) ids.length + least > contextLength) {
            throw new ContextOverflowException(ids.length, least, contextLength);
        }
        Set<String> tools = request.toolChoice() instanceof ToolChoice.None
                ? Set.of()
                : request.tools().stream().map(Tool::name).collect(Collectors.toUnmodifiableSet());
        // Several calls of a conversation have ids; each prompt is another, so are the ids.
        long idSeed = 31L * Arrays.hashCode(ids) + request.options().sampling().seed();
        ChatEvents events = new ChatEvents(
                new StreamingDecoder(tokenizer, false, List.of()),
                writer.marks(),
                parts -> new ReplyParser(writer.format(), tools, prompt.endsInReasoning(), parts),
                request.options().stopStrings(),
                idSeed);
        return new Generation<>(
                ids,
                threshold,
                realm,
                asked > 0 ? asked : contextLength - ids.length,
                writer.endOfTurnIds(),
                events,
                constraints.of(request, writer.format()));
    }
}
