package dev.lte.core.sparse;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs independent pieces of work on a fixed number of threads. Which thread takes a piece is open, so pieces must not share
 * what they write; results then do not depend on the number of threads.
 */
final class ParallelRanges implements AutoCloseable {
    private final int threads;
    private final ExecutorService pool;

    ParallelRanges(int threads) {
        this.threads = threads;
        this.pool = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().name("lte-grouping-", 0).daemon().factory());
    }

    int threads() {
        return threads;
    }

    interface Range {
        /** @param to exclusive */
        void run(int from, int to);
    }

    /** Covers {@code [0, size)} by ranges of {@code grain}, the last one perhaps shorter, and returns when all have run. */
    void forEach(int size, int grain, Range range) {
        AtomicInteger next = new AtomicInteger();
        Runnable worker = () -> {
            for (int from = next.getAndAdd(grain); from >= 0 && from < size; from = next.getAndAdd(grain)) {
                range.run(from, Math.min(size, from + grain));
            }
        };
        if (threads == 1 || size <= grain) {
            worker.run();
            return;
        }
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            running.add(pool.submit(worker));
        }
        for (Future<?> future : running) {
            await(future);
        }
    }

    private static void await(Future<?> future) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    future.get();
                    return;
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof RuntimeException cause) {
                        throw cause;
                    }
                    throw new IllegalStateException(e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        pool.shutdown();
    }
}
