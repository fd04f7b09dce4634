package dev.lte.cpu;

import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Packs weights in the order in which they came, with the threads of the pool while nobody else uses them, with a share of their
 * time otherwise, so that a model is ready before its weights are packed. A thread of its own hands out the work; it ends when there is
 * none. Thread-safe.
 */
final class BackgroundPacking implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(BackgroundPacking.class.getName());

    /** Between two of these the pool is free for others: a few milliseconds where memory is slow to come. */
    private static final long STEP_BYTES = 4 << 20;

    private final WorkerPool pool;
    private final ThreadFactory threads;
    private final Queue<PackedItems> waiting = new ArrayDeque<>();
    private @Nullable PackedItems current;
    private @Nullable Thread thread;
    private volatile boolean closed;

    /** @param threads makes the thread, which others may want to begin later */
    BackgroundPacking(WorkerPool pool, ThreadFactory threads) {
        this.pool = pool;
        this.threads = threads;
    }

    /** Daemons, so that no program that forgets to close a model stays alive for its weights. */
    static Thread daemon(Runnable work) {
        Thread thread = new Thread(work, "lte-cpu-packing");
        thread.setDaemon(true);
        return thread;
    }

    synchronized void add(PackedItems items) {
        if (closed) {
            return;
        }
        waiting.add(items);
        if (thread == null) {
            thread = threads.newThread(this::run);
            thread.start();
        }
    }

    private void run() {
        long begin = System.nanoTime();
        long bytes = 0;
        for (PackedItems items = next(); items != null; items = next()) {
            try {
                pack(items);
                bytes += items.isPacked() ? items.items() * items.itemBytes() : 0;
            } catch (Throwable t) {
                if (!closed && !items.isCancelled()) {
                    LOG.log(Level.WARNING, "weights could not be packed; their next use fails", t);
                    items.fail(t);
                }
            }
        }
        if (!closed) {
            LOG.log(
                    Level.INFO,
                    "packed {0} MB of weights in the background, in {1} s",
                    bytes / 1_000_000,
                    (System.nanoTime() - begin) / 1_000_000_000);
        }
    }

    private synchronized @Nullable PackedItems next() {
        current = waiting.poll();
        if (current == null) {
            thread = null;
        }
        return current;
    }

    private void pack(PackedItems items) {
        int step = Math.clamp(STEP_BYTES / items.itemBytes(), 1, items.items());
        for (int first = 0; first < items.items(); first += step) {
            if (closed || items.isCancelled()) {
                return;
            }
            int others = pool.runs();
            long nanos = items.packInBackground(pool, first, Math.min(items.items(), first + step));
            if (pool.runs() != others && !isAwaited()) {
                LockSupport.parkNanos(this, nanos / 2);
            }
        }
        items.finish();
    }

    /** Whether somebody waits for one of the weights that are not packed yet. */
    private synchronized boolean isAwaited() {
        return (current != null && current.isAwaited()) || waiting.stream().anyMatch(PackedItems::isAwaited);
    }

    /** Stops after the step that is running, and waits for it. What has not been packed never will be. Idempotent. */
    @Override
    public void close() {
        Thread running;
        synchronized (this) {
            closed = true;
            waiting.forEach(PackedItems::cancel);
            waiting.clear();
            if (current != null) {
                current.cancel();
            }
            running = thread;
        }
        boolean interrupted = false;
        while (running != null && running.isAlive() && running != Thread.currentThread()) {
            LockSupport.unpark(running);
            try {
                running.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
