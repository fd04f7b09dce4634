package dev.lte.examples.langchain4j;

import static dev.lte.examples.langchain4j.LteChatModelTest.ADD;
import static dev.lte.examples.langchain4j.LteChatModelTest.request;
import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.langchain4j.model.output.FinishReason;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StreamingTest {
    private static Stories stories;
    private static LteStreamingChatModel chat;
    private static LteChatModel whole;

    @BeforeAll
    static void load() {
        stories = new Stories(Stories.TEMPLATE);
        LteChatRequestParameters parameters = LteChatRequestParameters.builder()
                .temperature(0.0)
                .maxOutputTokens(40)
                .build();
        chat = LteStreamingChatModel.builder(stories.model)
                .defaultRequestParameters(parameters)
                .build();
        whole = LteChatModel.builder(stories.model)
                .defaultRequestParameters(parameters)
                .build();
    }

    @AfterAll
    static void close() {
        stories.close();
    }

    @BeforeEach
    void forget() {
        stories.outcomes.clear();
    }

    @Test
    void partsJoinToTheAnswerAndComeOnOneVirtualThread() {
        Recorder recorder = new Recorder();
        chat.chat(request(p -> {}), recorder);
        assertThat(recorder.await()).isNull();
        ChatResponse response = Objects.requireNonNull(recorder.response);
        assertThat(recorder.text.toString())
                .isEqualTo(response.aiMessage().text())
                .isEqualTo(whole.chat(request(p -> {})).aiMessage().text());
        assertThat(response.finishReason()).isEqualTo(FinishReason.LENGTH);
        assertThat(response.tokenUsage().outputTokenCount()).isEqualTo(40);
        assertThat(recorder.ends).hasValue(1);
        assertThat(recorder.threads).hasSizeGreaterThan(8).allMatch(Thread::isVirtual);
        assertThat(recorder.threads.stream().distinct()).hasSize(1);
    }

    @Test
    void aCallIsToldPartByPartAndWhole() {
        Recorder recorder = new Recorder();
        chat.chat(
                request(p -> p.maxOutputTokens(200).toolSpecifications(ADD).toolChoice(ToolChoice.REQUIRED)), recorder);
        assertThat(recorder.await()).isNull();
        assertThat(recorder.calls).singleElement().satisfies(call -> {
            assertThat(call.index()).isZero();
            assertThat(call.toolExecutionRequest())
                    .isEqualTo(Objects.requireNonNull(recorder.response)
                            .aiMessage()
                            .toolExecutionRequests()
                            .getFirst());
            assertThat(recorder.partialCalls.stream()
                            .map(PartialToolCall::partialArguments)
                            .collect(Collectors.joining()))
                    .isEqualTo(call.toolExecutionRequest().arguments());
            assertThat(recorder.partialCalls)
                    .hasSizeGreaterThan(1)
                    .allMatch(
                            part -> part.id().equals(call.toolExecutionRequest().id())
                                    && part.name().equals("add"));
        });
    }

    @Test
    void thinkingIsToldApart() {
        try (Stories thinking = new Stories(Stories.THINKING)) {
            Recorder recorder = new Recorder();
            LteStreamingChatModel.builder(thinking.model)
                    .build()
                    .chat(request(p -> p.temperature(0.0).maxOutputTokens(12)), recorder);
            assertThat(recorder.await()).isNull();
            assertThat(recorder.thinking.toString())
                    .isNotBlank()
                    .isEqualTo(Objects.requireNonNull(recorder.response)
                            .aiMessage()
                            .thinking());
            assertThat(recorder.text).isEmpty();
        }
    }

    @Test
    void aHandleStopsTheModelAndNothingIsToldAfter() throws InterruptedException {
        AtomicReference<StreamingHandle> handle = new AtomicReference<>();
        Recorder recorder = new Recorder() {
            @Override
            public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
                super.onPartialResponse(part, context);
                handle.set(context.streamingHandle());
                if (threads.size() == 3) {
                    context.streamingHandle().cancel();
                }
            }
        };
        chat.chat(request(p -> p.maxOutputTokens(450).ignoreEndOfText(true)), recorder);
        assertThat(stories.lastOutcome()).isEqualTo("cancelled");
        Thread.sleep(50);
        assertThat(recorder.threads).hasSize(3);
        assertThat(recorder.ends).hasValue(0);
        assertThat(handle.get().isCancelled()).isTrue();
    }

    @Test
    void theCallerIsNotBlockedAndTheModelWaitsForASlowHandlerWithoutHoldingUpOthers() throws InterruptedException {
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Recorder slow = new Recorder() {
            @Override
            public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
                super.onPartialResponse(part, context);
                first.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
        };
        chat.chat(request(p -> {}), slow);
        assertThat(first.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(whole.chat(request(p -> p.maxOutputTokens(5))).aiMessage().text())
                .isNotEmpty();
        assertThat(slow.threads).hasSize(1);
        goOn.countDown();
        assertThat(slow.await()).isNull();
        assertThat(slow.text.toString())
                .isEqualTo(Objects.requireNonNull(slow.response).aiMessage().text());
    }

    /** A handler may ask the model again, as the one that runs tools does. */
    @Test
    void aHandlerMayCallTheModel() {
        Recorder recorder = new Recorder() {
            @Override
            public void onCompleteResponse(ChatResponse response) {
                text.append("; ")
                        .append(whole.chat(request(p -> p.maxOutputTokens(3)))
                                .aiMessage()
                                .text());
                super.onCompleteResponse(response);
            }
        };
        chat.chat(request(p -> p.maxOutputTokens(4)), recorder);
        assertThat(recorder.await()).isNull();
        assertThat(recorder.text.toString()).contains("; ");
    }
}
