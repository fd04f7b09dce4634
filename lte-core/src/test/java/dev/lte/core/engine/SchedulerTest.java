package dev.lte.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.Completed;
import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import dev.lte.ModelStatus;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Subscription;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;

/** What streams share, and that nobody can tell from the tokens. */
@Timeout(60)
class SchedulerTest {
    private static final TestEngine.Limits ROOMY =
            new TestEngine.Limits(8, 64, Duration.ofMinutes(1), Long.MAX_VALUE, true);
    private static final TestEngine.Limits FORGETFUL =
            new TestEngine.Limits(8, 64, Duration.ofMinutes(1), Long.MAX_VALUE, false);
    /** The pages of one context, four. */
    private static final TestEngine.Limits TIGHT = new TestEngine.Limits(8, 64, Duration.ofMinutes(1), 1, true);

    private static int[] prompt(int length, int seed) {
        int[] prompt = new int[length];
        Arrays.setAll(prompt, i -> 3 + (i * 7 + seed * 13) % 500);
        return prompt;
    }

    private static GenerationRequest request(int[] prompt, int tokens, long seed) {
        return GenerationRequest.of(r -> r.promptIds(prompt)
                .maxTokens(tokens)
                .ignoreEndOfText(true)
                .sampling(Sampling.defaults().withTemperature(1).withSeed(seed)));
    }

    private record Result(List<Integer> ids, Completed completed) {}

    private static Result result(List<GenerationEvent> events) {
        List<Integer> ids = new ArrayList<>();
        for (GenerationEvent event : events) {
            if (event instanceof TextDelta delta) {
                ids.addAll(delta.tokenIds());
            }
        }
        return new Result(ids, (Completed) events.getLast());
    }

    private static Result run(TestEngine engine, GenerationRequest request) {
        return result(engine.model.generate(request).collectList().block());
    }

    @Test
    void aPromptThatWasSeenIsNotComputedAgain() {
        try (TestEngine engine = new TestEngine(1, true, ROOMY)) {
            GenerationRequest request = request(prompt(70, 1), 5, 3);
            Result first = run(engine, request);
            int passes = engine.counting.passes();
            Result second = run(engine, request);
            assertThat(first.completed().usage().cachedTokens()).isZero();
            assertThat(second.completed().usage().cachedTokens()).isEqualTo(64);
            assertThat(second.ids()).isEqualTo(first.ids());
            // One chunk instead of nine, then four single tokens.
            assertThat(engine.counting.passes() - passes).isEqualTo(5);
            assertThat(second.completed().sparsity().tokens()).isEqualTo(70 - 64 + 4);
        }
    }

    @Test
    void generatedTokensAreFoundToo() {
        try (TestEngine engine = new TestEngine(1, false, ROOMY)) {
            int[] prompt = prompt(20, 2);
            Result first = run(engine, request(prompt, 60, 3));
            int[] longer = new int[90];
            System.arraycopy(prompt, 0, longer, 0, 20);
            for (int i = 0; i < 60; i++) {
                longer[20 + i] = first.ids().get(i);
            }
            assertThat(run(engine, request(longer, 3, 3)).completed().usage().cachedTokens())
                    .isEqualTo(64);
        }
    }

    @Test
    void anotherThresholdComputesItsOwn() {
        try (TestEngine engine = new TestEngine(1, true, ROOMY)) {
            int[] prompt = prompt(70, 1);
            run(engine, request(prompt, 2, 3));
            GenerationRequest sparser =
                    GenerationRequest.of(r -> r.promptIds(prompt).maxTokens(2).threshold(0.7));
            assertThat(run(engine, sparser).completed().usage().cachedTokens()).isZero();
        }
    }

    @Test
    void withThePrefixCacheOffNothingIsKept() {
        try (TestEngine engine = new TestEngine(1, false, FORGETFUL)) {
            GenerationRequest request = request(prompt(70, 1), 5, 3);
            run(engine, request);
            assertThat(run(engine, request).completed().usage().cachedTokens()).isZero();
            assertThat(engine.model.status().reusablePages()).isZero();
        }
    }

    /** Random requests, several at once, on plenty of memory, on hardly any, and one by one: the tokens are the same. */
    @Test
    void neighboursCacheAndShortageOfMemoryDoNotChangeTokens() {
        for (long seed = 0; seed < 3; seed++) {
            Random random = new Random(seed);
            List<GenerationRequest> requests = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                int[] prompt = prompt(1 + random.nextInt(80), random.nextInt(3));
                requests.add(request(prompt, 1 + random.nextInt(120 - prompt.length), random.nextInt(3)));
            }
            List<List<Integer>> alone = new ArrayList<>();
            try (TestEngine engine = new TestEngine(5, true, FORGETFUL)) {
                requests.forEach(request -> alone.add(run(engine, request).ids()));
            }
            for (TestEngine.Limits limits : List.of(ROOMY, TIGHT)) {
                try (TestEngine engine = new TestEngine(5, true, limits)) {
                    List<List<Integer>> together = Flux.fromIterable(requests)
                            .flatMapSequential(
                                    request -> engine.model
                                            .generate(request)
                                            .collectList()
                                            .map(events -> result(events).ids()),
                                    12)
                            .collectList()
                            .block();
                    assertThat(together).as("seed %d, %s", seed, limits).isEqualTo(alone);
                    assertThat(engine.freePages())
                            .isEqualTo(engine.model.status().cachePages());
                }
            }
        }
    }

    @Test
    void aParkedStreamGivesUpItsSlotAndGoesOnLater() throws InterruptedException {
        TestEngine.Limits oneSlot = new TestEngine.Limits(1, 8, Duration.ofMinutes(1), Long.MAX_VALUE, true);
        GenerationRequest request = request(prompt(40, 1), 20, 3);
        List<Integer> expected;
        try (TestEngine engine = new TestEngine(1, true, FORGETFUL)) {
            expected = run(engine, request).ids();
        }
        try (TestEngine engine = new TestEngine(1, true, oneSlot)) {
            CountDownLatch parked = new CountDownLatch(5);
            CountDownLatch over = new CountDownLatch(1);
            List<GenerationEvent> events = new ArrayList<>();
            BaseSubscriber<GenerationEvent> slow = new BaseSubscriber<>() {
                @Override
                protected void hookOnSubscribe(Subscription subscription) {
                    request(5);
                }

                @Override
                protected void hookOnNext(GenerationEvent event) {
                    events.add(event);
                    parked.countDown();
                }

                @Override
                protected void hookOnComplete() {
                    over.countDown();
                }
            };
            engine.model.generate(request).subscribe(slow);
            assertThat(parked.await(10, TimeUnit.SECONDS)).isTrue();
            Result other = result(engine.model
                    .generate(request(prompt(30, 2), 10, 1))
                    .collectList()
                    .block(Duration.ofSeconds(10)));
            assertThat(other.ids()).hasSize(10);
            slow.request(Long.MAX_VALUE);
            assertThat(over.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(result(events).ids()).isEqualTo(expected);
            // Tokens that were computed twice count once.
            assertThat(result(events).completed().sparsity().tokens()).isEqualTo(40 + 19);
        }
    }

    @Test
    void theStatusTellsWhoRunsAndWhoWaits() {
        try (TestEngine engine = new TestEngine(1, false, TIGHT)) {
            run(engine, request(prompt(70, 1), 5, 3));
            ModelStatus status = engine.model.status();
            assertThat(status.cachePages()).isEqualTo(4);
            assertThat(status.reusablePages()).isEqualTo(2);
            assertThat(status.freePages()).isEqualTo(2);
            assertThat(status.pageTokens()).isEqualTo(32);
        }
    }
}
