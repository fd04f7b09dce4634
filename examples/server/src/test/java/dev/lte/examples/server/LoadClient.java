package dev.lte.examples.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.ByteBufFlux;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;

/** Clients of a loaded server, cheap enough to leave the processors to it. Thread-safe. */
final class LoadClient implements AutoCloseable {
    private static final Duration STUCK = Duration.ofSeconds(60);
    private static final int TOKENS = 96;
    private static final String CONTENT = "\"delta\":{\"content\":\"";

    private final LoopResources thread = LoopResources.create("load", 1, true);
    private final ConnectionProvider connections = ConnectionProvider.create("load", 256);
    private final HttpClient client;

    LoadClient(String url) {
        client = HttpClient.create(connections).runOn(thread).baseUrl(url);
    }

    @Override
    public void close() {
        connections.dispose();
        thread.disposeLater(Duration.ZERO, STUCK).block(STUCK);
    }

    /** What happened until a time was over. Thread-safe. */
    static final class Counts {
        final LongAdder tokens = new LongAdder();
        final LongAdder whole = new LongAdder();
        final LongAdder left = new LongAdder();
        final LongAdder stalled = new LongAdder();
        final AtomicLong slowestNanos = new AtomicLong();
        private final long begin = System.nanoTime();
        private final AtomicLong last = new AtomicLong(begin);
        private final long end;

        Counts(Duration time) {
            end = begin + time.toNanos();
        }

        boolean isOver() {
            return System.nanoTime() - end >= 0;
        }

        void ended(long since) {
            long now = System.nanoTime();
            last.accumulateAndGet(now, Math::max);
            slowestNanos.accumulateAndGet(now - since, Math::max);
        }

        double seconds() {
            return (last.get() - begin) / 1e9;
        }
    }

    private Flux<String> answer(int request) {
        String body = "{\"model\":\"story\",\"messages\":[{\"role\":\"user\",\"content\":\"Once upon a time " + request
                + "\"}],\"max_tokens\":" + TOKENS
                + ",\"ignore_eos\":true,\"stream\":true,\"temperature\":1,\"seed\":" + request + "}";
        return client.headers(headers -> headers.set("Content-Type", "application/json"))
                .post()
                .uri("/v1/chat/completions")
                .send(ByteBufFlux.fromString(Mono.just(body)))
                .responseContent()
                .asString();
    }

    /** The text of an answer, read to its end at once. */
    String whole(int request, Counts counts) {
        long begin = System.nanoTime();
        StringBuilder events = new StringBuilder();
        answer(request).doOnNext(events::append).blockLast(STUCK);
        counts.ended(begin);
        assertThat(events).as("request %d", request).endsWith("data: [DONE]\n\n");
        StringBuilder text = new StringBuilder();
        counts.tokens.add(read(events, text));
        counts.whole.increment();
        return text.toString();
    }

    /** Asks again and again; a third of the time it leaves in the middle, or stops reading for a while. */
    void useUntilOver(int seed, List<String> expected, Counts counts) {
        SplittableRandom random = new SplittableRandom(seed);
        while (!counts.isOver()) {
            int request = random.nextInt(expected.size());
            switch (random.nextInt(6)) {
                case 0 -> leave(request, random.nextInt(1, 20), counts);
                case 1 -> {
                    Duration pause = Duration.ofMillis(random.nextInt(2_000));
                    String text = stall(request, random.nextInt(1, 20), pause, counts);
                    assertThat(text).as("request %d", request).isEqualTo(expected.get(request));
                }
                default ->
                    assertThat(whole(request, counts)).as("request %d", request).isEqualTo(expected.get(request));
            }
        }
    }

    private void leave(int request, int parts, Counts counts) {
        StringBuilder events = new StringBuilder();
        answer(request).take(parts).doOnNext(events::append).blockLast(STUCK);
        counts.tokens.add(read(events, new StringBuilder()));
        counts.left.increment();
    }

    /** Reads some parts one at a time, then nothing for a while, then the rest. */
    private String stall(int request, int parts, Duration pause, Counts counts) {
        StringBuilder events = new StringBuilder();
        AtomicInteger seen = new AtomicInteger();
        answer(request)
                .concatMap(
                        part -> seen.incrementAndGet() == parts
                                ? Mono.delay(pause).thenReturn(part)
                                : Mono.just(part),
                        1)
                .doOnNext(events::append)
                .blockLast(STUCK);
        StringBuilder text = new StringBuilder();
        counts.tokens.add(read(events, text));
        counts.stalled.increment();
        return text.toString();
    }

    /** Appends the texts of all deltas, as they stand in JSON; how many there are. */
    private static int read(StringBuilder events, StringBuilder text) {
        int count = 0;
        for (int at = events.indexOf(CONTENT); at >= 0; at = events.indexOf(CONTENT, at)) {
            int begin = at + CONTENT.length();
            int end = begin;
            while (end < events.length() && events.charAt(end) != '"') {
                end += events.charAt(end) == '\\' ? 2 : 1;
            }
            if (end >= events.length()) {
                break;
            }
            text.append(events, begin, end);
            count += end > begin ? 1 : 0;
            at = end;
        }
        return count;
    }
}
