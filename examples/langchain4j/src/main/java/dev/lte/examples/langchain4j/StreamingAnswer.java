package dev.lte.examples.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialThinkingContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.PartialToolCallContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ToolCall;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;

/**
 * Passes the events of an answer to a handler, one at a time: the next is asked for when the handler has returned. What a handler
 * throws goes to its {@code onError}, and the answer goes on, as with other models of LangChain4j.
 */
final class StreamingAnswer extends BaseSubscriber<ChatEvent> implements StreamingHandle {
    private static final Logger LOG = System.getLogger(StreamingAnswer.class.getName());

    private final StreamingChatResponseHandler handler;
    private final Answers.Answer answer;
    /** Id and name of calls by index: LangChain4j wants them in every part. */
    private final Map<Integer, ChatEvent.ToolCallDelta> calls = new HashMap<>();

    private @Nullable ChatResponse response;
    private volatile boolean cancelled;

    StreamingAnswer(StreamingChatResponseHandler handler, Answers.Answer answer) {
        this.handler = handler;
        this.answer = answer;
    }

    @Override
    public boolean isCancelled() {
        return cancelled;
    }

    @Override
    protected void hookOnCancel() {
        cancelled = true;
    }

    @Override
    protected void hookOnSubscribe(Subscription subscription) {
        request(1);
    }

    @Override
    protected void hookOnNext(ChatEvent event) {
        answer.collect(event);
        switch (event) {
            case ChatEvent.TextDelta text -> {
                if (!text.text().isEmpty()) {
                    tell(() -> handler.onPartialResponse(
                            new PartialResponse(text.text()), new PartialResponseContext(this)));
                }
            }
            case ChatEvent.ReasoningDelta thought -> {
                if (!thought.text().isEmpty()) {
                    tell(() -> handler.onPartialThinking(
                            new PartialThinking(thought.text()), new PartialThinkingContext(this)));
                }
            }
            case ChatEvent.ToolCallDelta call -> toolCall(call);
            case ChatEvent.Completed done -> {
                List<ToolCall> whole = done.message().toolCalls();
                for (int i = 0; i < whole.size(); i++) {
                    CompleteToolCall complete = new CompleteToolCall(i, Responses.call(whole.get(i)));
                    tell(() -> handler.onCompleteToolCall(complete));
                }
                response = answer.response(done);
            }
        }
        request(1);
    }

    private void toolCall(ChatEvent.ToolCallDelta delta) {
        ChatEvent.ToolCallDelta first = calls.computeIfAbsent(delta.index(), index -> delta);
        if (!delta.arguments().isEmpty()) {
            PartialToolCall part = PartialToolCall.builder()
                    .index(delta.index())
                    .id(first.id())
                    .name(first.name())
                    .partialArguments(delta.arguments())
                    .build();
            tell(() -> handler.onPartialToolCall(part, new PartialToolCallContext(this)));
        }
    }

    @Override
    protected void hookOnComplete() {
        ChatResponse whole = response;
        if (whole == null) {
            hookOnError(new IllegalStateException("the answer has no end"));
        } else {
            tell(() -> handler.onCompleteResponse(whole));
        }
    }

    @Override
    protected void hookOnError(Throwable error) {
        fail(error);
    }

    private void tell(Runnable call) {
        if (cancelled) {
            return;
        }
        try {
            call.run();
        } catch (Exception e) {
            fail(e);
        }
    }

    private void fail(Throwable error) {
        try {
            handler.onError(error);
        } catch (Exception e) {
            LOG.log(Level.WARNING, "a handler threw from onError, which ends there", e);
        }
    }
}
