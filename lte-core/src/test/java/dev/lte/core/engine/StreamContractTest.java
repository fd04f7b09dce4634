package dev.lte.core.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.CapacityException;
import dev.lte.Completed;
import dev.lte.ContextOverflowException;
import dev.lte.FinishReason;
import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.ModelClosedException;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

/** What {@code Model.generate} promises to subscribers. */
@Timeout(60)
class StreamContractTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    private static GenerationRequest request(int tokens) {
        return GenerationRequest.of(r -> r.promptIds(1, 5, 9).maxTokens(tokens).ignoreEndOfText(true));
    }

    private static List<Integer> ids(List<GenerationEvent> events) {
        return events.stream()
                .filter(TextDelta.class::isInstance)
                .flatMap(event -> ((TextDelta) event).tokenIds().stream())
                .toList();
    }

    @Test
    void nothingHappensBeforeSubscription() throws InterruptedException {
        try (TestEngine engine = new TestEngine(1, false)) {
            engine.model.generate(request(5));
            Thread.sleep(50);
            assertThat(engine.counting.kernels()).isEmpty();
            assertThat(engine.model.activeStreams()).isZero();
        }
    }

    @Test
    void nothingRunsWithoutDemand() {
        try (TestEngine engine = new TestEngine(1, false)) {
            StepVerifier.create(engine.model.generate(request(5)), 0)
                    .expectSubscription()
                    .expectNoEvent(Duration.ofMillis(100))
                    .then(() -> assertThat(engine.counting.passes()).isZero())
                    .thenCancel()
                    .verify(SOON);
        }
    }

    @Test
    void aDemandOfNIsExactlyNSteps() {
        try (TestEngine engine = new TestEngine(1, false)) {
            StepVerifier.create(engine.model.generate(request(20)), 0)
                    .thenRequest(3)
                    .expectNextCount(3)
                    .expectNoEvent(Duration.ofMillis(100))
                    // The prompt's pass gives the first token.
                    .then(() -> assertThat(engine.counting.passes()).isEqualTo(3))
                    .thenRequest(4)
                    .expectNextCount(4)
                    .expectNoEvent(Duration.ofMillis(100))
                    .then(() -> assertThat(engine.counting.passes()).isEqualTo(7))
                    .thenCancel()
                    .verify(SOON);
        }
    }

    @Test
    void theLastEventIsCompletedAndNeedsDemandToo() {
        try (TestEngine engine = new TestEngine(1, false)) {
            StepVerifier.create(engine.model.generate(request(2)), 2)
                    .expectNextCount(2)
                    .expectNoEvent(Duration.ofMillis(50))
                    .thenRequest(1)
                    .assertNext(event -> {
                        Completed completed = (Completed) event;
                        assertThat(completed.finishReason()).isEqualTo(FinishReason.LENGTH);
                        assertThat(completed.usage().promptTokens()).isEqualTo(3);
                        assertThat(completed.usage().generatedTokens()).isEqualTo(2);
                        assertThat(completed.sparsity().mean()).isZero();
                        assertThat(completed.timings().timeToFirstToken()).isPositive();
                    })
                    .expectComplete()
                    .verify(SOON);
        }
    }

    @Test
    void cancellingStopsWithinOneStepAndFreesTheCache() throws InterruptedException {
        try (TestEngine engine = new TestEngine(1, false)) {
            int free = engine.freePages();
            CountDownLatch third = new CountDownLatch(1);
            AtomicReference<Integer> passesAtCancel = new AtomicReference<>();
            engine.model.generate(request(100)).subscribe(new BaseSubscriber<>() {
                private int seen;

                @Override
                protected void hookOnNext(GenerationEvent event) {
                    if (++seen == 3) {
                        assertThat(engine.freePages()).isLessThan(free);
                        passesAtCancel.set(engine.counting.passes());
                        cancel();
                        third.countDown();
                    }
                }
            });
            assertThat(third.await(10, TimeUnit.SECONDS)).isTrue();
            await(() -> engine.model.activeStreams() == 0);
            assertThat(engine.counting.passes() - passesAtCancel.get()).isLessThanOrEqualTo(1);
            assertThat(engine.freePages()).isEqualTo(free);
        }
    }

    @Test
    void cancellingDuringAPromptStopsWithinOneChunk() throws InterruptedException {
        try (TestEngine engine = new TestEngine(1, false)) {
            int[] prompt = new int[10 * TestEngine.PROMPT_ROWS];
            AtomicReference<Subscription> subscription = new AtomicReference<>();
            engine.counting.onKernel(kernel -> {
                if (kernel.equals("embed") && engine.counting.passes() == 2) {
                    subscription.get().cancel();
                }
            });
            engine.model
                    .generate(GenerationRequest.of(r -> r.promptIds(prompt).maxTokens(1)))
                    .doOnSubscribe(subscription::set)
                    .subscribe();
            await(() -> engine.counting.passes() >= 2 && engine.model.activeStreams() == 0);
            assertThat(engine.counting.passes()).isEqualTo(2);
        }
    }

    @Test
    void twoSubscriptionsAreTwoGenerations() {
        try (TestEngine engine = new TestEngine(2, false)) {
            Flux<GenerationEvent> flux = engine.model.generate(request(10));
            List<GenerationEvent> first = flux.collectList().block(SOON);
            int passes = engine.counting.passes();
            List<GenerationEvent> second = flux.collectList().block(SOON);
            assertThat(ids(second)).isEqualTo(ids(first)).hasSize(10);
            assertThat(engine.counting.passes()).isEqualTo(2 * passes).isEqualTo(20);
        }
    }

    @Test
    void neighboursDoNotChangeTokens() {
        try (TestEngine engine =
                new TestEngine(3, true, new TestEngine.Limits(8, 0, Duration.ofMinutes(1), Long.MAX_VALUE))) {
            List<GenerationRequest> requests = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                int n = i;
                requests.add(GenerationRequest.of(r -> r.promptIds(new int[1 + 5 * n])
                        .maxTokens(20 + n)
                        .ignoreEndOfText(true)
                        .threshold(0.4 + 0.02 * n)
                        .sampling(
                                n % 2 == 0
                                        ? Sampling.greedy()
                                        : Sampling.defaults().withSeed(n))));
            }
            List<List<Integer>> alone = new ArrayList<>();
            for (GenerationRequest request : requests) {
                alone.add(ids(engine.model.generate(request).collectList().block(SOON)));
            }
            List<List<Integer>> together = Flux.fromIterable(requests)
                    .flatMapSequential(request -> engine.model.generate(request).collectList(), 8)
                    .map(StreamContractTest::ids)
                    .collectList()
                    .block(SOON);
            assertThat(together).isEqualTo(alone);
        }
    }

    @Test
    void anOptionOutOfRangeIsAnErrorBeforeAnyWork() {
        assertThatThrownBy(() -> GenerationRequest.of(r -> r.prompt("x").threshold(1.5)))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("threshold: expected 0 to 1, found 1.5");
        try (TestEngine engine = new TestEngine(1, false)) {
            verifyRefused(
                    engine, GenerationRequest.of(r -> r.prompt("x").threshold(0.5)), InvalidRequestException.class);
            verifyRefused(engine, GenerationRequest.of(r -> r.promptIds(512)), InvalidRequestException.class);
            verifyRefused(engine, GenerationRequest.of(r -> r.promptIds(-1)), InvalidRequestException.class);
            verifyRefused(
                    engine,
                    GenerationRequest.of(r -> r.promptIds(1).maxTokens(TestEngine.CONTEXT)),
                    ContextOverflowException.class);
            assertThat(engine.counting.kernels()).isEmpty();
            assertThat(engine.model.activeStreams()).isZero();
        }
    }

    private static void verifyRefused(TestEngine engine, GenerationRequest request, Class<? extends Throwable> error) {
        StepVerifier.create(engine.model.generate(request), 0)
                .expectError(error)
                .verify(SOON);
    }

    @Test
    void deltasConcatenateToTheDecodedText() {
        try (TestEngine engine = new TestEngine(4, false)) {
            for (long seed = 0; seed < 20; seed++) {
                long s = seed;
                // Hot sampling from random weights: half of the ids are single bytes, most of them no character.
                List<GenerationEvent> events = engine.model
                        .generate(GenerationRequest.of(r -> r.prompt("Zoë ate 寿司 🍣")
                                .maxTokens(60)
                                .ignoreEndOfText(true)
                                .sampling(Sampling.defaults().withTemperature(3).withSeed(s))))
                        .collectList()
                        .block(SOON);
                StringBuilder text = new StringBuilder();
                for (GenerationEvent event : events) {
                    if (event instanceof TextDelta delta) {
                        text.append(delta.text());
                    }
                }
                int[] prompt = engine.model.tokenizer().encode("Zoë ate 寿司 🍣");
                int[] all = IntStream.concat(
                                Arrays.stream(prompt), ids(events).stream().mapToInt(Integer::intValue))
                        .toArray();
                String whole = engine.model.tokenizer().decode(all);
                assertThat(engine.model.tokenizer().decode(prompt) + text)
                        .as("seed %d", seed)
                        .isEqualTo(whole);
            }
        }
    }

    @Test
    void stopStringsEndTheTextBeforeThem() {
        try (TestEngine engine = new TestEngine(5, false)) {
            String whole = text(engine, request(40));
            assertThat(whole).hasSizeGreaterThan(10);
            String stop = whole.substring(5, 8);
            String cut = text(
                    engine,
                    GenerationRequest.of(r -> r.promptIds(1, 5, 9)
                            .maxTokens(40)
                            .ignoreEndOfText(true)
                            .stopStrings(List.of(stop))));
            assertThat(cut).isEqualTo(whole.substring(0, whole.indexOf(stop)));
        }
    }

    private static String text(TestEngine engine, GenerationRequest request) {
        return engine.model
                .generate(request)
                .ofType(TextDelta.class)
                .map(TextDelta::text)
                .reduce("", String::concat)
                .block(SOON);
    }

    @Test
    void aFullQueueRefusesWithATypedError() {
        TestEngine.Limits limits = new TestEngine.Limits(1, 1, Duration.ofMinutes(1), Long.MAX_VALUE);
        try (TestEngine engine = new TestEngine(1, false, limits)) {
            engine.model.generate(request(5)).subscribe(parked());
            engine.model.generate(request(5)).subscribe(parked());
            StepVerifier.create(engine.model.generate(request(5)))
                    .expectErrorSatisfies(error -> assertThat(error)
                            .isInstanceOf(CapacityException.class)
                            .hasMessageContaining("2 streams are running or waiting already"))
                    .verify(SOON);
        }
    }

    @Test
    void aParkedStreamDoesNotHoldUpOthers() {
        try (TestEngine engine = new TestEngine(1, false)) {
            engine.model.generate(request(50)).subscribe(parked());
            assertThat(engine.model.generate(request(5)).collectList().block(SOON))
                    .hasSize(6);
        }
    }

    /** Asks for one event and no more. */
    private static BaseSubscriber<GenerationEvent> parked() {
        return new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(Subscription subscription) {
                subscription.request(1);
            }

            @Override
            protected void hookOnError(Throwable error) {
                // The model is closed at the end of the test.
            }
        };
    }

    @Test
    void aStreamThatStallsEndsAndFreesItsPages() throws InterruptedException {
        TestEngine.Limits limits = new TestEngine.Limits(1, 1, Duration.ofMillis(100), Long.MAX_VALUE);
        try (TestEngine engine = new TestEngine(1, false, limits)) {
            int free = engine.freePages();
            StepVerifier.create(engine.model.generate(request(50)), 1)
                    .expectNextCount(1)
                    .expectErrorSatisfies(error -> assertThat(error)
                            .isInstanceOf(CapacityException.class)
                            .hasMessageContaining("asked for nothing"))
                    .verify(SOON);
            await(() -> engine.freePages() == free);
        }
    }

    @Test
    void pagesThatDoNotSufficeMakeStreamsWaitTheirTurn() {
        // One context of pages: the streams, each of which needs most of it, run one after the other.
        TestEngine.Limits limits = new TestEngine.Limits(4, 8, Duration.ofMinutes(1), 1);
        try (TestEngine engine = new TestEngine(1, false, limits)) {
            assertThat(engine.model.status().cachePages()).isEqualTo(TestEngine.CONTEXT / 32);
            List<Integer> sizes = Flux.range(0, 6)
                    .flatMap(i -> engine.model.generate(request(100)).collectList(), 6)
                    .map(events -> ids(events).size())
                    .collectList()
                    .block(Duration.ofSeconds(30));
            assertThat(sizes).containsOnly(100).hasSize(6);
            assertThat(engine.freePages()).isEqualTo(engine.model.status().cachePages());
        }
    }

    @Test
    void closingEndsEveryStreamWithATypedErrorAndFreesTheModel() throws InterruptedException {
        TestEngine engine = new TestEngine(1, false);
        List<Throwable> errors = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch ended = new CountDownLatch(6);
        for (int i = 0; i < 6; i++) {
            engine.model.generate(request(120)).subscribe(event -> {}, error -> {
                errors.add(error);
                ended.countDown();
            });
        }
        engine.model.close();
        assertThat(ended.await(1, TimeUnit.SECONDS)).isTrue();
        assertThat(errors).hasSize(6).allMatch(ModelClosedException.class::isInstance);
        assertThat(engine.source.isClosed()).isTrue();
        assertThat(engine.counting.isClosed()).isTrue();
        assertThat(engine.model.activeStreams()).isZero();
        engine.model.close();
        StepVerifier.create(engine.model.generate(request(1)))
                .expectError(ModelClosedException.class)
                .verify(SOON);
        assertThatThrownBy(() -> engine.model.logits(1)).isInstanceOf(ModelClosedException.class);
    }

    @Test
    void closingFromASubscriberIsPossible() throws InterruptedException {
        TestEngine engine = new TestEngine(1, false);
        CountDownLatch ended = new CountDownLatch(1);
        engine.model
                .generate(request(50))
                .doOnNext(event -> engine.model.close())
                .subscribe(event -> {}, error -> ended.countDown());
        assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
        await(engine.source::isClosed);
    }

    @Test
    void aSubscriberThatThrowsHarmsNobodyElse() {
        try (TestEngine engine = new TestEngine(1, false)) {
            engine.model.generate(request(50)).subscribe(new CoreSubscriber<>() {
                @Override
                public void onSubscribe(Subscription subscription) {
                    subscription.request(Long.MAX_VALUE);
                }

                @Override
                public void onNext(GenerationEvent event) {
                    throw new IllegalStateException("a bug of the application");
                }

                @Override
                public void onError(Throwable error) {}

                @Override
                public void onComplete() {}
            });
            assertThat(engine.model.generate(request(5)).collectList().block(SOON))
                    .hasSize(6);
        }
    }

    @Test
    void aDemandOfZeroIsAnErrorByTheRules() {
        try (TestEngine engine = new TestEngine(1, false)) {
            CountDownLatch ended = new CountDownLatch(1);
            AtomicReference<Throwable> error = new AtomicReference<>();
            engine.model.generate(request(5)).subscribe(new CoreSubscriber<>() {
                @Override
                public void onSubscribe(Subscription subscription) {
                    subscription.request(0);
                }

                @Override
                public void onNext(GenerationEvent event) {}

                @Override
                public void onError(Throwable failure) {
                    error.set(failure);
                    ended.countDown();
                }

                @Override
                public void onComplete() {}
            });
            await(() -> ended.getCount() == 0);
            assertThat(error.get()).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("3.9");
        }
    }

    @Test
    void sparsityIsMeasuredAndObeysTheThreshold() {
        try (TestEngine engine = new TestEngine(6, true)) {
            double before = -1;
            for (double tau : new double[] {0, 0.3, 0.5, 0.7, 1}) {
                Completed completed = engine.model
                        .generate(GenerationRequest.of(r -> r.promptIds(1, 2, 3, 4)
                                .maxTokens(20)
                                .threshold(tau)
                                .ignoreEndOfText(true)))
                        .ofType(Completed.class)
                        .blockLast(SOON);
                double mean = completed.sparsity().mean();
                assertThat(mean).isGreaterThan(before);
                assertThat(completed.sparsity().perLayer()).hasSize(RandomModel.LAYERS);
                // The last token is never run.
                assertThat(completed.sparsity().tokens()).isEqualTo(4 + 19);
                before = mean;
            }
            assertThat(before).isEqualTo(1);
        }
    }

    @Test
    void logitsOfAPromptAgreeWithGreedyGeneration() {
        try (TestEngine engine = new TestEngine(7, true)) {
            List<Integer> generated = ids(engine.model
                    .generate(GenerationRequest.of(r -> r.promptIds(1, 5, 9)
                            .maxTokens(30)
                            .ignoreEndOfText(true)
                            .sampling(Sampling.greedy())))
                    .collectList()
                    .block(SOON));
            int[] all = IntStream.concat(
                            IntStream.of(1, 5, 9), generated.stream().mapToInt(Integer::intValue))
                    .toArray();
            float[][] logits = engine.model.logits(all);
            assertThat(logits).hasNumberOfRows(33);
            for (int i = 0; i < generated.size(); i++) {
                float[] row = logits[2 + i];
                int best = 0;
                for (int id = 1; id < row.length; id++) {
                    best = row[id] > row[best] ? id : best;
                }
                assertThat(best).as("token %d", i).isEqualTo(generated.get(i));
            }
        }
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + SOON.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
            Thread.onSpinWait();
        }
    }
}
