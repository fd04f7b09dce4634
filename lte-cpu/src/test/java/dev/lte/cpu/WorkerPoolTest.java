package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class WorkerPoolTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 8})
    void runsEveryItemOnce(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            for (int round = 0; round < 2_000; round++) {
                int items = round % 17;
                AtomicIntegerArray runs = new AtomicIntegerArray(17);
                pool.run(
                        (item, worker) -> {
                            assertThat(worker).isBetween(0, threads - 1);
                            runs.incrementAndGet(item);
                        },
                        items);
                for (int i = 0; i < 17; i++) {
                    assertThat(runs.get(i)).isEqualTo(i < items ? 1 : 0);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8})
    void throwsTheExceptionOfAnItemToTheCallerAndGoesOn(int threads) {
        try (WorkerPool pool = new WorkerPool(threads)) {
            for (int round = 0; round < 200; round++) {
                int bad = round % 10;
                assertThatThrownBy(() -> pool.run(
                                (item, worker) -> {
                                    if (item == bad) {
                                        throw new IllegalStateException("item " + item);
                                    }
                                },
                                10))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("item " + bad);
                AtomicInteger runs = new AtomicInteger();
                pool.run((item, worker) -> runs.incrementAndGet(), 5);
                assertThat(runs).hasValue(5);
            }
        }
    }

    @Test
    void keepsTheCallersInterrupt() {
        try (WorkerPool pool = new WorkerPool(3)) {
            Thread.currentThread().interrupt();
            AtomicInteger runs = new AtomicInteger();
            pool.run(
                    (item, worker) -> {
                        if (worker != 0) {
                            // Long enough for the caller to stop spinning and park.
                            pause(20);
                        }
                        runs.incrementAndGet();
                    },
                    6);
            assertThat(runs).hasValue(6);
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void outlivesInterruptsOfItsThreads() {
        try (WorkerPool pool = new WorkerPool(3)) {
            for (Thread thread : Thread.getAllStackTraces().keySet()) {
                if (thread.getName().startsWith("lte-cpu-")) {
                    thread.interrupt();
                }
            }
            AtomicInteger runs = new AtomicInteger();
            pool.run((item, worker) -> runs.incrementAndGet(), 50);
            assertThat(runs).hasValue(50);
        }
    }

    @Test
    void runsTasksOfSeveralCallersOneAfterTheOther() throws InterruptedException {
        try (WorkerPool pool = new WorkerPool(2)) {
            AtomicInteger inside = new AtomicInteger();
            AtomicInteger runs = new AtomicInteger();
            Thread[] callers = new Thread[4];
            for (int c = 0; c < callers.length; c++) {
                callers[c] = Thread.ofVirtual().start(() -> {
                    for (int i = 0; i < 200; i++) {
                        int[] own = {0};
                        pool.run(
                                (item, worker) -> {
                                    if (item == 0) {
                                        own[0] = inside.incrementAndGet();
                                    }
                                    runs.incrementAndGet();
                                },
                                3);
                        inside.decrementAndGet();
                    }
                });
            }
            for (Thread caller : callers) {
                caller.join();
            }
            assertThat(runs).hasValue(4 * 200 * 3);
        }
    }

    @Test
    void waitsForTheRunningTaskWhenClosedAndRefusesLaterOnes() throws InterruptedException {
        WorkerPool pool = new WorkerPool(3);
        CountDownLatch started = new CountDownLatch(1);
        AtomicInteger runs = new AtomicInteger();
        Thread caller = Thread.ofPlatform()
                .start(() -> pool.run(
                        (item, worker) -> {
                            started.countDown();
                            pause(5);
                            runs.incrementAndGet();
                        },
                        20));
        started.await();
        pool.close();
        assertThat(runs).hasValue(20);
        caller.join();
        pool.close();
        assertThatThrownBy(() -> pool.run((item, worker) -> {}, 1)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void usesNoProcessorTimeWhenIdle() {
        try (WorkerPool pool = new WorkerPool(3)) {
            pool.run((item, worker) -> {}, 10);
            pause(50);
            ThreadMXBean threads = ManagementFactory.getThreadMXBean();
            long before = workerTime(threads);
            pause(200);
            assertThat(Duration.ofNanos(workerTime(threads) - before)).isLessThan(Duration.ofMillis(2));
        }
    }

    private static long workerTime(ThreadMXBean threads) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("lte-cpu-"))
                .mapToLong(thread -> threads.getThreadCpuTime(thread.threadId()))
                .sum();
    }

    private static void pause(long milliseconds) {
        try {
            Thread.sleep(milliseconds);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
