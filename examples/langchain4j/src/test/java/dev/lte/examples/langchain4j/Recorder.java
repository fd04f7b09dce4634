package dev.lte.examples.langchain4j;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Remembers what a handler hears. */
class Recorder implements StreamingChatResponseHandler {
    final StringBuffer text = new StringBuffer();
    final StringBuffer thinking = new StringBuffer();
    final List<PartialToolCall> partialCalls = new CopyOnWriteArrayList<>();
    final List<CompleteToolCall> calls = new CopyOnWriteArrayList<>();
    final List<Thread> threads = new CopyOnWriteArrayList<>();
    final AtomicInteger ends = new AtomicInteger();
    private final CountDownLatch ended = new CountDownLatch(1);
    volatile @Nullable ChatResponse response;
    private volatile @Nullable Throwable error;

    @Override
    public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
        threads.add(Thread.currentThread());
        text.append(part.text());
    }

    @Override
    public void onPartialThinking(PartialThinking part) {
        thinking.append(part.text());
    }

    @Override
    public void onPartialToolCall(PartialToolCall part) {
        partialCalls.add(part);
    }

    @Override
    public void onCompleteToolCall(CompleteToolCall call) {
        calls.add(call);
    }

    @Override
    public void onCompleteResponse(ChatResponse whole) {
        response = whole;
        ends.incrementAndGet();
        ended.countDown();
    }

    @Override
    public void onError(Throwable thrown) {
        error = thrown;
        ends.incrementAndGet();
        ended.countDown();
    }

    /** Waits for the end; the error, or null. */
    @Nullable
    Throwable await() {
        try {
            if (!ended.await(Stories.SOON.toSeconds(), TimeUnit.SECONDS)) {
                throw new AssertionError("no end, so far: " + text);
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return error;
    }
}
