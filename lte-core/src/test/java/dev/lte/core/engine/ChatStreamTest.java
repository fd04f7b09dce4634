package dev.lte.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.Uninterruptibles;
import dev.lte.ContextOverflowException;
import dev.lte.FinishReason;
import dev.lte.GenerationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import dev.lte.ModelClosedException;
import dev.lte.ResponseFormat;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import dev.lte.TokenLogProbability;
import dev.lte.UnsupportedModelException;
import dev.lte.UnsupportedSchemaException;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.Tool;
import dev.lte.chat.ToolCall;
import dev.lte.chat.ToolChoice;
import dev.lte.core.io.JsonView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.test.StepVerifier;
import tools.jackson.databind.JsonNode;

/** What {@code Model.chat} promises, on a model of random weights. */
@Timeout(120)
class ChatStreamTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final String TOOLS = "{% if tools %}{{ tools | length }}{% endif %}" + TestEngine.TEMPLATE
            + "{# <tool_call></tool_call> </think> enable_thinking #}";
    private static final Tool ADD = new Tool(
            "add",
            "",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[1,2]},\"b\":{\"type\":\"boolean\"}},\"required\":[\"a\",\"b\"]}");

    private static TestEngine engine(String template) {
        return new TestEngine(3, true, TestEngine.Limits.defaults(), null, template);
    }

    private static ChatRequest request(Consumer<ChatRequest.Builder> options) {
        return ChatRequest.of(c -> {
            c.user("once").maxTokens(20).ignoreEndOfText(true);
            options.accept(c);
        });
    }

    private static List<ChatEvent> events(TestEngine engine, ChatRequest request) {
        return engine.model.chat(request).collectList().block(SOON);
    }

    private static String text(List<ChatEvent> events) {
        StringBuilder text = new StringBuilder();
        events.forEach(event -> text.append(event instanceof ChatEvent.TextDelta delta ? delta.text() : ""));
        return text.toString();
    }

    @Test
    void deltasThenCompletedWithEverythingToKnow() {
        try (TestEngine engine = engine(TestEngine.TEMPLATE)) {
            List<ChatEvent> events = events(engine, request(c -> c.sampling(Sampling.greedy())));
            ChatEvent.Completed completed = (ChatEvent.Completed) events.getLast();
            assertThat(events.subList(0, events.size() - 1)).hasOnlyElementsOfType(ChatEvent.TextDelta.class);
            assertThat(completed.message().text()).isEqualTo(text(events));
            assertThat(completed.finishReason()).isEqualTo(FinishReason.LENGTH);
            assertThat(completed.usage().generatedTokens()).isEqualTo(20);
            assertThat(completed.usage().promptTokens()).isPositive();
            assertThat(completed.timings().timeToFirstToken())
                    .isGreaterThanOrEqualTo(completed.timings().queued());
            assertThat(completed.sparsity().perLayer()).hasSize(RandomModel.LAYERS);
            assertThat(completed.sparsity().mean()).isBetween(0.01, 0.99);
            assertThat(engine.model
                            .reply(request(c -> c.sampling(Sampling.greedy())))
                            .block(SOON)
                            .message()
                            .text())
                    .isEqualTo(text(events));
        }
    }

    @Test
    void withoutALimitTheReplyEndsWhereTheContextDoes() {
        try (TestEngine engine = engine(TestEngine.TEMPLATE)) {
            ChatEvent.Completed completed = engine.model
                    .reply(ChatRequest.of(c -> c.user("once").ignoreEndOfText(true)))
                    .block(SOON);
            assertThat(completed.usage().promptTokens() + completed.usage().generatedTokens())
                    .isEqualTo(TestEngine.CONTEXT);
        }
    }

    @Test
    void aDemandOfOneIsOneEvent() {
        try (TestEngine engine = engine(TestEngine.TEMPLATE)) {
            StepVerifier.create(engine.model.chat(request(c -> {})), 0)
                    .expectSubscription()
                    .expectNoEvent(Duration.ofMillis(50))
                    .then(() -> assertThat(engine.counting.passes()).isZero())
                    .thenRequest(1)
                    .expectNextCount(1)
                    .expectNoEvent(Duration.ofMillis(50))
                    .thenCancel()
                    .verify(SOON);
        }
    }

    @Test
    void stopIdsEndTheReplyAndAreNoPartOfIt() {
        try (TestEngine engine = engine(TestEngine.TEMPLATE)) {
            int[] ids = engine
                    .model
                    .generate(GenerationRequest.of(r ->
                            r.prompt("once").maxTokens(10).ignoreEndOfText(true).sampling(Sampling.greedy())))
                    .ofType(TextDelta.class)
                    .map(delta -> delta.tokenIds().getFirst())
                    .collectList()
                    .block(SOON)
                    .stream()
                    .mapToInt(Integer::intValue)
                    .toArray();
            int stop = ids[4];
            int first = 0;
            while (ids[first] != stop) {
                first++;
            }
            List<Integer> stopped = engine.model
                    .generate(GenerationRequest.of(r -> r.prompt("once")
                            .maxTokens(10)
                            .ignoreEndOfText(true)
                            .stopIds(List.of(stop))
                            .sampling(Sampling.greedy())))
                    .ofType(TextDelta.class)
                    .flatMapIterable(TextDelta::tokenIds)
                    .collectList()
                    .block(SOON);
            assertThat(stopped).hasSize(first);
        }
    }

    @Test
    void biasDecides() {
        try (TestEngine engine = engine(TestEngine.TEMPLATE)) {
            int b = 3 + 'b';
            assertThat(text(events(engine, request(c -> c.maxTokens(5).logitBias(Map.of(b, 100f))))))
                    .isEqualTo("bbbbb");
        }
    }

    @Test
    void logProbabilitiesOfEveryTokenAddUpToDistributions() {
        try (TestEngine engine = engine(TestEngine.TEMPLATE)) {
            List<TokenLogProbability> all = events(engine, request(c -> c.logProbabilities(3))).stream()
                    .filter(ChatEvent.Delta.class::isInstance)
                    .flatMap(event -> ((ChatEvent.Delta) event).logProbabilities().stream())
                    .toList();
            assertThat(all).hasSize(20);
            for (TokenLogProbability token : all) {
                assertThat(token.token().logProbability()).isNegative();
                assertThat(token.alternatives()).hasSize(3);
                assertThat(token.alternatives().getFirst().logProbability())
                        .isGreaterThanOrEqualTo(token.token().logProbability());
                assertThat(token.alternatives().stream()
                                .mapToDouble(c -> Math.exp(c.logProbability()))
                                .sum())
                        .isBetween(0.0, 1.0);
            }
            assertThat(events(engine, request(c -> {})))
                    .allMatch(event -> !(event instanceof ChatEvent.Delta delta)
                            || delta.logProbabilities().isEmpty());
        }
    }

    @Test
    void formatsAreEnforcedAndEndTheReply() {
        try (TestEngine engine = engine(TOOLS)) {
            for (long seed = 0; seed < 20; seed++) {
                long drawn = seed;
                ChatEvent.Completed completed = engine.model
                        .reply(ChatRequest.of(c -> c.user("x")
                                .maxTokens(90)
                                .sampling(Sampling.defaults().withTemperature(2).withSeed(drawn))
                                .responseFormat(ResponseFormat.jsonSchema(ADD.parameters()))))
                        .block(SOON);
                JsonNode json = JsonView.mapper().readTree(completed.message().text());
                assertThat(json.get("a").intValue()).as("seed %d", seed).isBetween(1, 2);
                assertThat(json.get("b").isBoolean()).isTrue();
                assertThat(completed.finishReason()).isEqualTo(FinishReason.STOP);
            }
        }
    }

    @Test
    void aToolThatMustBeCalledIsCalledWithArgumentsOfItsSchema() {
        try (TestEngine engine = engine(TOOLS)) {
            for (ToolChoice choice : List.of(ToolChoice.required(), ToolChoice.function("add"))) {
                for (long seed = 0; seed < 10; seed++) {
                    long drawn = seed;
                    ChatEvent.Completed completed = engine.model
                            .reply(ChatRequest.of(c -> c.user("x")
                                    .tool(ADD)
                                    .toolChoice(choice)
                                    .maxTokens(100)
                                    .sampling(Sampling.defaults()
                                            .withTemperature(2)
                                            .withSeed(drawn))))
                            .block(SOON);
                    assertThat(completed.finishReason()).as("seed %d", seed).isEqualTo(FinishReason.TOOL_CALLS);
                    assertThat(completed.message().text()).isEmpty();
                    ToolCall call = completed.message().toolCalls().getFirst();
                    assertThat(call.name()).isEqualTo("add");
                    JsonNode json = JsonView.mapper().readTree(call.arguments());
                    assertThat(json.get("a").intValue()).isBetween(1, 2);
                    assertThat(json.get("b").isBoolean()).isTrue();
                }
            }
        }
    }

    @Test
    void whatCannotBeDoneIsATypedErrorBeforeAnyWork() {
        try (TestEngine engine = engine(TestEngine.TEMPLATE)) {
            refused(engine, request(c -> c.tool(ADD)), InvalidRequestException.class);
            refused(engine, request(c -> c.reasoning(true)), InvalidRequestException.class);
            refused(engine, request(c -> c.stopIds(List.of(99_999))), InvalidRequestException.class);
            refused(engine, request(c -> c.logitBias(Map.of(-1, 1f))), InvalidRequestException.class);
            refused(engine, request(c -> c.maxTokens(1000)), ContextOverflowException.class);
            refused(engine, request(c -> c.user("x".repeat(200))), ContextOverflowException.class);
            refused(engine, ChatRequest.of(c -> {}), InvalidRequestException.class);
            refused(
                    engine,
                    request(c -> c.responseFormat(ResponseFormat.jsonSchema("{\"not\":{\"pattern\":\"(?<=a)b\"}}"))),
                    UnsupportedSchemaException.class);
            assertThat(engine.counting.kernels()).isEmpty();
        }
        try (TestEngine engine = engine(null)) {
            refused(engine, request(c -> {}), UnsupportedModelException.class);
        }
    }

    private static void refused(TestEngine engine, ChatRequest request, Class<? extends LteException> error) {
        StepVerifier.create(engine.model.chat(request)).expectError(error).verify(SOON);
        assertThat(engine.model.activeStreams()).isZero();
    }

    @Test
    void contradictionsAreRefusedWhenARequestIsBuilt() {
        assertThatThrownBy(() -> request(c -> c.toolChoice(ToolChoice.required())))
                .isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> request(c -> c.tool(ADD).toolChoice(ToolChoice.function("sub"))))
                .isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> request(c -> c.tool(ADD).tool(ADD))).isInstanceOf(InvalidRequestException.class);
    }

    private static void awaitIdle(TestEngine engine) {
        long deadline = System.nanoTime() + SOON.toNanos();
        while (engine.model.activeStreams() > 0 && System.nanoTime() < deadline) {
            Thread.onSpinWait();
        }
        assertThat(engine.model.activeStreams()).isZero();
    }

    @Test
    void closingDuring32StreamsEndsEachWithinASecond() {
        closeDuring32Streams(5);
    }

    @Test
    @Tag("long")
    @Timeout(3600)
    void closingDuring32Streams200TimesLeavesNoThread() {
        closeDuring32Streams(200);
        assertThat(Thread.getAllStackTraces().keySet())
                .noneMatch(thread -> thread.getName().startsWith("lte-engine"));
    }

    /** Encoding a long prompt or compiling a schema may take longer than anybody wants to wait. */
    @Test
    void closingDoesNotWaitForAStreamThatIsBeingPrepared() {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        List<String> ends = new CopyOnWriteArrayList<>();
        TestEngine engine = engine(TestEngine.TEMPLATE);
        TokenFlux.<ChatEvent>of(engine.model, "chat", request(c -> {}).options(), () -> {
                    begun.countDown();
                    Uninterruptibles.awaitUninterruptibly(go);
                    throw new ContextOverflowException(1, 1, 1);
                })
                .subscribe(
                        event -> {}, error -> ends.add(error.getClass().getSimpleName()), () -> ends.add("complete"));
        Uninterruptibles.awaitUninterruptibly(begun);
        engine.close();
        assertThat(ends).containsExactly("ModelClosedException");
        assertThat(engine.model.activeStreams()).isZero();
        go.countDown();
        assertThat(engine.model.activeStreams()).isZero();
        assertThat(ends).hasSize(1);
    }

    private static void closeDuring32Streams(int rounds) {
        for (int round = 0; round < rounds; round++) {
            TestEngine engine = new TestEngine(
                    1,
                    true,
                    new TestEngine.Limits(32, 32, Duration.ofMinutes(1), Long.MAX_VALUE),
                    null,
                    TestEngine.TEMPLATE);
            List<Mono<Throwable>> ends = new ArrayList<>();
            for (int i = 0; i < 32; i++) {
                // A third reads at once, and again when it is through; a third slowly, and a third not at all.
                Flux<ChatEvent> stream =
                        engine.model.chat(ChatRequest.of(c -> c.user("x").ignoreEndOfText(true)));
                Flux<ChatEvent> read = switch (i % 3) {
                    case 0 -> stream.repeat();
                    case 1 -> stream.limitRate(1).delayUntil(event -> Mono.delay(Duration.ofMillis(50)));
                    default ->
                        stream.delaySubscription(Duration.ZERO).limitRate(1).concatMap(event -> Mono.never(), 1);
                };
                ends.add(read.ignoreElements()
                        .<Throwable>map(event -> new AssertionError(event))
                        .onErrorResume(Mono::just)
                        .cache());
            }
            Mono<List<Throwable>> all =
                    Flux.merge(Flux.fromIterable(ends), 32).collectList().cache();
            all.subscribe();
            while (engine.counting.passes() < 20) {
                Thread.onSpinWait();
            }
            long begin = System.nanoTime();
            engine.close();
            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(1));
            assertThat(engine.counting.isClosed()).isTrue();
            // One that was just subscribing hears of it from the thread that did that.
            List<Throwable> errors = all.block(Duration.ofSeconds(1));
            awaitIdle(engine);
            assertThat(errors).hasSize(32);
            assertThat(errors).allMatch(ModelClosedException.class::isInstance);
        }
    }
}
