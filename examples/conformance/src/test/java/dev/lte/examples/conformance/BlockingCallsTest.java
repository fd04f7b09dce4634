package dev.lte.examples.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.GenerationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.Model;
import dev.lte.chat.ChatRequest;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.blockhound.BlockHound;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Everything that an application does with a stream may be done on a thread that must not block. */
@Timeout(60)
class BlockingCallsTest {
    private static final int STREAMS = 300;
    private static final Queue<Error> FOUND = new ConcurrentLinkedQueue<>();

    @BeforeAll
    static void watch() {
        BlockHound.builder()
                .loadIntegrations()
                .blockingMethodCallback(method -> {
                    Error error = new AssertionError("blocking call: " + method);
                    FOUND.add(error);
                    throw error;
                })
                .install();
    }

    @BeforeEach
    void forget() {
        FOUND.clear();
    }

    @Test
    void aBlockingCallWouldBeFound() {
        assertThat(blockedBy(() -> LockSupport.parkNanos(1))).contains("park");
        assertThat(blockedBy(() -> {
                    try {
                        Thread.sleep(1);
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                }))
                .contains("sleep");
    }

    private static String blockedBy(Runnable call) {
        return String.valueOf(Mono.fromRunnable(call)
                .subscribeOn(Schedulers.parallel())
                .then(Mono.just("nothing"))
                .onErrorResume(AssertionError.class, error -> Mono.just(error.getMessage()))
                .block());
    }

    @Test
    void streamsNeverBlockThreadsThatMustNotBlock() {
        try (Model model = StoryModel.load()) {
            Long streams = Flux.range(0, STREAMS)
                    .flatMap(i -> stream(model, i), 64)
                    .count()
                    .block();
            assertThat(streams).isEqualTo(STREAMS);
        }
        assertThat(FOUND).isEmpty();
    }

    /** Subscribes, asks, reads, cancels and fails on threads of {@link Schedulers#parallel}. */
    private static Mono<Long> stream(Model model, int i) {
        int tokens = 1 + i % 20;
        Flux<?> events = switch (i % 4) {
            case 0 -> model.chat(ChatRequest.of(c -> c.user("Tom " + i).maxTokens(tokens)));
            case 1 ->
                Flux.defer(
                        () -> model.openSession().chat(c -> c.user("Lily " + i).maxTokens(tokens)));
            case 2 ->
                model.generate(
                        GenerationRequest.of(r -> r.prompt("One day " + i).maxTokens(tokens)));
            default -> model.chat(ChatRequest.of(c -> {}));
        };
        return (i % 3 == 0 ? events.take(3) : events)
                .subscribeOn(Schedulers.parallel())
                .publishOn(Schedulers.parallel(), 1)
                .count()
                .onErrorResume(InvalidRequestException.class, refused -> Mono.just(0L));
    }
}
