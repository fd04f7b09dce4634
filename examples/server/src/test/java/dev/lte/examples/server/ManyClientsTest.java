package dev.lte.examples.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.examples.server.TestServer.Answer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** 64 clients at once, of which a third leaves or stops reading at random. */
class ManyClientsTest {
    private static final int CLIENTS = 64;

    @Test
    @Timeout(300)
    void nothingIsLeftBehind() throws Exception {
        serve(2, 24);
    }

    /** Minutes, for {@code -Dlte.test.excludedGroups= -Dgroups=long}. */
    @Test
    @Tag("long")
    @Timeout(1200)
    void nothingIsLeftBehindAfterMinutes() throws Exception {
        serve(60, 60);
    }

    private static void serve(int rounds, int tokens) throws Exception {
        try (TestServer server = new TestServer(
                        options -> options, load -> load.maxStreams(16).maxQueued(CLIENTS));
                ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            Map<Integer, String> expected = new ConcurrentHashMap<>();
            for (int seed = 0; seed < 4; seed++) {
                expected.put(seed, text(server.chat(options(seed, tokens))));
            }
            AtomicInteger left = new AtomicInteger();
            int threads = Thread.activeCount();
            long heap = 0;
            for (int round = 0; round < rounds; round++) {
                List<Future<?>> running = new ArrayList<>();
                for (int i = 0; i < CLIENTS; i++) {
                    int seed = i % 4;
                    SplittableRandom random = new SplittableRandom(1000L * round + i);
                    running.add(clients.submit(() -> {
                        if (random.nextInt(3) == 0) {
                            // Takes some of the answer, then closes the connection.
                            server.streaming(options(seed, tokens))
                                    .take(random.nextInt(1, 5))
                                    .blockLast(TestServer.SOON);
                            left.incrementAndGet();
                        } else {
                            assertThat(text(server.chat(options(seed, tokens))))
                                    .as("seed %d", seed)
                                    .isEqualTo(expected.get(seed));
                        }
                    }));
                }
                for (Future<?> client : running) {
                    client.get();
                }
                server.awaitIdle();
                heap = round == 0 ? used() : heap;
            }
            assertThat(left.get()).isGreaterThan(rounds * CLIENTS / 6);
            assertThat(used() - heap)
                    .as("bytes more than after the first round")
                    .isLessThan(16 << 20);
            assertThat(Thread.activeCount() - threads)
                    .as("threads more than before")
                    .isLessThan(16);
        }
    }

    private static String options(int seed, int tokens) {
        return ",'max_tokens':" + tokens + ",'ignore_eos':true,'stream':true,'temperature':1,'seed':" + seed;
    }

    private static String text(Answer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.body()).endsWith("data: [DONE]\n\n");
        return answer.events().stream()
                .map(event -> event.at("/choices/0/delta/content").asString(""))
                .collect(Collectors.joining());
    }

    private static long used() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 3; i++) {
            System.gc();
            least = Math.min(
                    least,
                    Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory());
        }
        return least;
    }
}
