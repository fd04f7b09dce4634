package dev.lte.examples.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.ModelStatus;
import java.lang.System.Logger.Level;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * 64 clients that stream from the story model over HTTP, a third of whom leave or stall: what is left behind, and how much more
 * the server writes for many than for one.
 */
class ServingLoadTest {
    private static final System.Logger LOG = System.getLogger(ServingLoadTest.class.getName());
    private static final int CLIENTS = 64;
    private static final int STREAMS = 32;
    private static final int REQUESTS = 16;

    /** Answers of one request at a time, and how fast they came. */
    private record Serial(List<String> texts, double tokensPerSecond) {}

    @Test
    @Timeout(120)
    void aFewSecondsLeaveNothingBehind() throws Exception {
        run(Duration.ofSeconds(4), 1);
    }

    /** {@code -Dgroups=long -Dlte.test.excludedGroups=}; writes its figures to {@code target/serving-load.json}. */
    @Test
    @Tag("long")
    @Timeout(900)
    void fiveMinutesLeaveNothingBehindAndAreTwiceAsFastAsOneByOne() throws Exception {
        int seconds = Integer.getInteger("lte.load.seconds", 300);
        ObjectNode figures = run(Duration.ofSeconds(seconds), Math.max(3, seconds / 10));
        assertThat(figures.get("times_serial").doubleValue()).isGreaterThan(2);
    }

    /** @param serialSeconds for how long one client is measured, before and after the many */
    private static ObjectNode run(Duration time, int serialSeconds) throws Exception {
        ServerMetrics metrics = new ServerMetrics();
        Path file = Path.of(Objects.requireNonNull(System.getProperty("lte.examples.models")), "tinystories-656k.gguf");
        LoadOptions load = LoadOptions.of(options -> options.chatTemplate(TestServer.TEMPLATE)
                .maxStreams(STREAMS)
                .maxQueued(CLIENTS)
                .listener(metrics));
        try (Model model = Lte.load(file, load);
                LteServer server = LteServer.start(
                        model, metrics, ServerOptions.of("story").withPort(0));
                LoadClient client = new LoadClient("http://127.0.0.1:" + server.port())) {
            oneByOne(client, serialSeconds);
            Serial before = oneByOne(client, serialSeconds);
            // As many as there will be, so that what grows with their number has grown.
            many(client, before.texts(), Duration.ofSeconds(Math.min(10, time.toSeconds())));
            awaitIdle(model, server);
            long heap = heap();
            int threads = Thread.activeCount();
            LoadClient.Counts counts = many(client, before.texts(), time);
            awaitIdle(model, server);
            long heapAfter = heap();
            int threadsAfter = Thread.activeCount();
            Serial after = oneByOne(client, serialSeconds);
            assertThat(after.texts()).isEqualTo(before.texts());

            double serial = Math.max(before.tokensPerSecond(), after.tokensPerSecond());
            double rate = counts.tokens.sum() / counts.seconds();
            ObjectNode figures = JsonNodeFactory.instance
                    .objectNode()
                    .put("clients", CLIENTS)
                    .put("streams", STREAMS)
                    .put("processors", Runtime.getRuntime().availableProcessors())
                    .put("seconds", counts.seconds())
                    .put("whole_answers", counts.whole.sum())
                    .put("left", counts.left.sum())
                    .put("stalled", counts.stalled.sum())
                    .put("slowest_answer_seconds", counts.slowestNanos.get() / 1e9)
                    .put("tokens_per_second", rate)
                    .put("serial_tokens_per_second", serial)
                    .put("times_serial", rate / serial)
                    .put("heap_bytes_before", heap)
                    .put("heap_bytes_after", heapAfter)
                    .put("threads_before", threads)
                    .put("threads_after", threadsAfter)
                    .put("cache_pages", model.status().cachePages())
                    .put("cache_pages_held", model.status().cachePages() - available(model.status()));
            LOG.log(Level.INFO, figures.toPrettyString());
            Files.writeString(
                    Files.createDirectories(Path.of("target")).resolve("serving-load.json"), figures.toString());

            assertThat(counts.left.sum() + counts.stalled.sum()).isGreaterThan(counts.whole.sum() / 4);
            assertThat(heapAfter - heap).as("bytes more on the heap").isLessThan(8 << 20);
            assertThat(threadsAfter - threads).as("threads more").isLessThan(8);
            return figures;
        }
    }

    private static Serial oneByOne(LoadClient client, int seconds) {
        LoadClient.Counts counts = new LoadClient.Counts(Duration.ofSeconds(seconds));
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < REQUESTS || !counts.isOver(); i++) {
            String text = client.whole(i % REQUESTS, counts);
            if (i < REQUESTS) {
                texts.add(text);
            } else {
                assertThat(text).as("request %d", i % REQUESTS).isEqualTo(texts.get(i % REQUESTS));
            }
        }
        return new Serial(texts, counts.tokens.sum() / counts.seconds());
    }

    private static LoadClient.Counts many(LoadClient client, List<String> expected, Duration time) throws Exception {
        LoadClient.Counts counts = new LoadClient.Counts(time);
        try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                int seed = i;
                running.add(clients.submit(() -> client.useUntilOver(seed, expected, counts)));
            }
            for (Future<?> one : running) {
                one.get();
            }
        }
        return counts;
    }

    private static int available(ModelStatus status) {
        return status.freePages() + status.reusablePages();
    }

    private static void awaitIdle(Model model, LteServer server) throws InterruptedException {
        for (long end = System.nanoTime() + 30_000_000_000L; ; Thread.sleep(10)) {
            ModelStatus status = model.status();
            if (model.activeStreams() == 0 && server.activeAnswers() == 0 && available(status) == status.cachePages()) {
                return;
            }
            assertThat(System.nanoTime())
                    .as("%s, answers %d", status, server.activeAnswers())
                    .isLessThan(end);
        }
    }

    private static long heap() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 3; i++) {
            System.gc();
            least = Math.min(
                    least,
                    ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
        }
        return least;
    }
}
