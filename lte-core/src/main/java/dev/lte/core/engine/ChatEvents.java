package dev.lte.core.engine;

import dev.lte.FinishReason;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.TokenLogProbability;
import dev.lte.Usage;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatMessage;
import dev.lte.chat.ToolCall;
import dev.lte.core.conversation.ReplyParser;
import dev.lte.core.conversation.ReplyParts;
import dev.lte.core.token.StopStrings;
import dev.lte.core.token.StreamingDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Events of a chat: its tokens become text, the text's parts become deltas, and all of them the message of the last event. */
final class ChatEvents implements EventWriter<ChatEvent>, ReplyParts {
    private final StreamingDecoder decoder;
    private final Map<Integer, String> marks;
    private final ReplyParser parser;
    private final StopStrings stops;
    private final long idSeed;

    private final List<TokenLogProbability> untold = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private final StringBuilder reasoning = new StringBuilder();
    private final List<ToolCall> calls = new ArrayList<>();
    private final StringBuilder arguments = new StringBuilder();
    private Consumer<ChatEvent> out = event -> {};
    private String callId = "";
    private String callName = "";
    private int begun;
    private int reasoningTokens;

    /**
     * @param decoder without stop strings
     * @param marks special tokens whose text the parser wants to see
     * @param parser makes the parser that tells this writer
     * @param stopStrings looked for in the text of the answer
     * @param idSeed of the ids of tool calls; different for every prompt of a conversation
     */
    ChatEvents(
            StreamingDecoder decoder,
            Map<Integer, String> marks,
            Function<ReplyParts, ReplyParser> parser,
            List<String> stopStrings,
            long idSeed) {
        this.decoder = decoder;
        this.marks = marks;
        this.parser = parser.apply(this);
        stops = new StopStrings(stopStrings);
        this.idSeed = idSeed;
    }

    @Override
    public @Nullable FinishReason token(
            int id, List<TokenLogProbability> logProbabilities, boolean last, Consumer<ChatEvent> out) {
        this.out = out;
        untold.addAll(logProbabilities);
        String mark = marks.get(id);
        boolean wasReasoning = parser.isReasoning();
        parser.append(mark == null ? decoder.append(id) : decoder.finish() + mark);
        reasoningTokens += wasReasoning || parser.isReasoning() ? 1 : 0;
        if (stops.matched() != null) {
            tellRest();
            return FinishReason.STOP;
        }
        if (last) {
            finish();
            return stops.matched() == null ? null : FinishReason.STOP;
        }
        return null;
    }

    @Override
    public FinishReason end(Consumer<ChatEvent> out) {
        this.out = out;
        finish();
        return calls.isEmpty() || stops.matched() != null ? FinishReason.STOP : FinishReason.TOOL_CALLS;
    }

    private void finish() {
        parser.append(decoder.finish());
        parser.finish();
        if (stops.matched() == null) {
            tell(stops.finish());
        }
        tellRest();
    }

    private void tellRest() {
        if (!untold.isEmpty()) {
            out.accept(new ChatEvent.TextDelta("", takeUntold()));
        }
    }

    private List<TokenLogProbability> takeUntold() {
        List<TokenLogProbability> taken = List.copyOf(untold);
        untold.clear();
        return taken;
    }

    @Override
    public void text(String part) {
        if (stops.matched() == null) {
            tell(stops.append(part));
        }
    }

    private void tell(String part) {
        if (!part.isEmpty()) {
            text.append(part);
            out.accept(new ChatEvent.TextDelta(part, takeUntold()));
        }
    }

    @Override
    public void reasoning(String part) {
        reasoning.append(part);
        out.accept(new ChatEvent.ReasoningDelta(part, takeUntold()));
    }

    @Override
    public void callBegins(String name) {
        if (stops.matched() != null) {
            return;
        }
        // No stop string goes on behind a call.
        tell(stops.finish());
        callId = ToolCallIds.id(idSeed, begun);
        callName = name;
        arguments.setLength(0);
        out.accept(new ChatEvent.ToolCallDelta(begun++, callId, name, "", takeUntold()));
    }

    @Override
    public void callArguments(String json) {
        if (stops.matched() == null) {
            arguments.append(json);
            out.accept(new ChatEvent.ToolCallDelta(begun - 1, null, null, json, takeUntold()));
        }
    }

    @Override
    public void callEnds() {
        if (stops.matched() == null) {
            calls.add(new ToolCall(callId, callName, arguments.toString()));
        }
    }

    @Override
    public int reasoningTokens() {
        return reasoningTokens;
    }

    @Override
    public boolean isConstrained() {
        return !parser.isReasoning();
    }

    @Override
    public ChatEvent completed(FinishReason reason, Usage usage, Timings timings, SparsityReport sparsity) {
        ChatMessage.Assistant message =
                new ChatMessage.Assistant(text.toString(), reasoning.isEmpty() ? null : reasoning.toString(), calls);
        return new ChatEvent.Completed(message, reason, stops.matched(), usage, timings, sparsity);
    }
}
