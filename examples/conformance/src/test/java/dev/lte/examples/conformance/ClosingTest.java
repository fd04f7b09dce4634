package dev.lte.examples.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.Model;
import dev.lte.ModelClosedException;
import dev.lte.chat.ChatRequest;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** {@code close()} while 32 streams run, on the CPU backend. */
class ClosingTest {
    private static final System.Logger LOG = System.getLogger(ClosingTest.class.getName());
    private static final int STREAMS = 32;
    private static final int WARM_UP = 4;

    /** What {@code malloc} may take for a thread; the models of 5 rounds take more. */
    private static final long NATIVE_SLACK = 64L << 20;

    @Test
    @Timeout(60)
    void everyStreamEndsWithATypedErrorAndAllMemoryIsFree() throws IOException {
        close(5);
    }

    @Test
    @Tag("long")
    @Timeout(1200)
    void twoHundredTimes() throws IOException {
        close(200);
    }

    private static void close(int rounds) throws IOException {
        long off = 0;
        long heap = 0;
        long before = 0;
        long slowest = 0;
        for (int round = 0; round < WARM_UP + rounds; round++) {
            slowest = Math.max(slowest, closeDuringStreams());
            assertThat(threads()).as("threads of the engine or of its workers").isEmpty();
            if (round == WARM_UP - 1) {
                off = offHeap();
                heap = heap();
                before = addresses();
            }
        }
        LOG.log(
                Level.INFO,
                "{0} rounds: the slowest took {1} ms to end; {2} KiB more on the heap, {3} KiB more outside of it",
                rounds,
                slowest,
                (heap() - heap) >> 10,
                (addresses() - before) >> 10);
        assertThat(slowest).as("ms until the last stream ended").isLessThan(1_000);
        assertThat(offHeap()).as("bytes in arenas and buffers").isLessThanOrEqualTo(off);
        assertThat(heap() - heap).as("bytes more on the heap").isLessThan(4 << 20);
        assertThat(addresses() - before).as("bytes more outside of the heap").isLessThan(NATIVE_SLACK);
    }

    /** @return milliseconds from the call of {@code close()} to the end of the last stream */
    private static long closeDuringStreams() {
        Model model = StoryModel.load();
        AtomicInteger events = new AtomicInteger();
        List<Mono<Throwable>> ends = new ArrayList<>();
        for (int i = 0; i < STREAMS; i++) {
            Flux<?> stream = model.chat(
                            ChatRequest.of(c -> c.user("Once upon a time").ignoreEndOfText(true)))
                    .doOnNext(event -> events.incrementAndGet());
            // A third reads at once, and again when it is through; a third slowly, and a third begins to read and
            // stops.
            Flux<?> read = switch (i % 3) {
                case 0 -> stream.repeat();
                case 1 -> stream.limitRate(1).delayUntil(event -> Mono.delay(Duration.ofMillis(20)));
                default -> stream.limitRate(1).concatMap(event -> Mono.never(), 1);
            };
            ends.add(read.ignoreElements()
                    .<Throwable>map(event -> new AssertionError(event))
                    .onErrorResume(Mono::just)
                    .cache());
        }
        Mono<List<Throwable>> all =
                Flux.merge(Flux.fromIterable(ends), STREAMS).collectList().cache();
        all.subscribe();
        while (events.get() < 100) {
            Thread.onSpinWait();
        }
        long begin = System.nanoTime();
        model.close();
        assertThat(model.activeStreams()).isZero();
        List<Throwable> errors = all.block(Duration.ofSeconds(2));
        assertThat(errors).hasSize(STREAMS).allMatch(ModelClosedException.class::isInstance);
        return (System.nanoTime() - begin) / 1_000_000;
    }

    private static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("lte-"))
                .toList();
    }

    /** What arenas and direct buffers hold. */
    private static long offHeap() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }

    /** Addresses of the process, where the system tells; else 0. The heap has all of its own from the begin. */
    private static long addresses() throws IOException {
        Path file = Path.of("/proc/self/status");
        if (!Files.exists(file)) {
            return 0;
        }
        String line = Files.readAllLines(file).stream()
                .filter(text -> text.startsWith("VmSize:"))
                .findFirst()
                .orElseThrow();
        return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
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
