package dev.lte.core.engine;

import dev.lte.BackendFailureException;
import dev.lte.CapacityException;
import dev.lte.LteException;
import dev.lte.ModelClosedException;
import dev.lte.ModelStatus;
import dev.lte.backend.Backend;
import dev.lte.backend.KernelQueue;
import dev.lte.core.cache.KeyValueCache;
import dev.lte.core.cache.PagePool;
import dev.lte.core.cache.PrefixCache;
import dev.lte.core.layer.Transformer;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One thread that runs all sequences of a model, in rounds of its {@link Scheduler}: new ones are taken in, those that were
 * cancelled or have stalled end, slots and pages are given out, steps run. It sleeps while nobody waits for anything.
 *
 * <p>Thread-safe: {@link #enter}, {@link #submit}, {@link #call}, {@link #wake} and {@link #close} may be called from any thread.
 */
final class Engine implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Engine.class.getName());

    /** How long {@link #close} waits for a step, or a subscriber, that does not end. */
    private static final long CLOSE_MILLIS = 30_000;

    private final EngineOptions options;
    private final PassRunner runner;
    private final KernelQueue queue;
    private final KeyValueCache cache;
    private final PrefixCache prefixes;
    private final Scheduler scheduler;
    private final Runnable release;
    private final Thread thread;

    private final Object gate = new Object();
    private final Set<Sequence> preparing = new HashSet<>();
    private final Queue<Sequence> inbox = new ArrayDeque<>();
    private final Queue<Job<?>> jobs = new ArrayDeque<>();
    private final AtomicInteger active = new AtomicInteger();
    private volatile boolean signalled;
    private volatile boolean closed;
    private @Nullable Throwable failure;

    /** Work on the cache between steps. */
    @FunctionalInterface
    interface CacheWork<T> {
        T run(PrefixCache prefixes, KeyValueCache cache, KernelQueue queue);
    }

    private record Job<T>(CacheWork<T> work, CompletableFuture<T> result) {
        void run(PrefixCache prefixes, KeyValueCache cache, KernelQueue queue) {
            try {
                result.complete(work.run(prefixes, cache, queue));
            } catch (RuntimeException | Error e) {
                result.completeExceptionally(e);
            }
        }
    }

    /** @param release frees all that the model owns; called on the engine's thread at the end */
    Engine(Backend backend, KernelQueue queue, Transformer transformer, EngineOptions options, Runnable release) {
        this.options = options;
        this.release = release;
        int pageCount = pageCount(transformer, options);
        this.queue = queue;
        prefixes = new PrefixCache(new PagePool(pageCount), options.prefixCache());
        cache = new KeyValueCache(backend, transformer.config(), options.cacheType(), pageCount);
        runner = new PassRunner(backend, queue, transformer, cache, options);
        scheduler = new Scheduler(options, runner, prefixes);
        thread = new Thread(this::run, "lte-engine-" + options.name());
        thread.setDaemon(true);
        thread.start();
    }

    private static int pageCount(Transformer transformer, EngineOptions options) {
        int perContext = KeyValueCache.pagesFor(options.contextLength());
        long affordable = options.cacheBytes() / KeyValueCache.pageBytes(transformer.config(), options.cacheType());
        return Math.toIntExact(
                Math.clamp(affordable, (long) perContext, Math.multiplyExact((long) perContext, options.maxStreams())));
    }

    long stallNanos() {
        return options.stallTimeout().toNanos();
    }

    /** Sequences that have not ended. */
    int active() {
        return active.get();
    }

    ModelStatus status() {
        return scheduler.status();
    }

    /**
     * Does work on the cache on the engine's thread, between steps.
     *
     * @return completed there; exceptionally with {@link ModelClosedException} if the engine is closed
     */
    <T> CompletableFuture<T> call(CacheWork<T> work) {
        Job<T> job = new Job<>(work, new CompletableFuture<>());
        if (Thread.currentThread() == thread) {
            // A subscriber in its signal, which comes between steps; waiting for itself would be for ever.
            job.run(prefixes, cache, queue);
            return job.result();
        }
        synchronized (gate) {
            if (closed) {
                job.result().completeExceptionally(closedException());
                return job.result();
            }
            jobs.add(job);
        }
        wake();
        return job.result();
    }

    /**
     * Counts one more sequence, to be handed to {@link #enter} soon.
     *
     * @return why there is no place, or null; then the caller must let it enter or call {@link #abandon}
     */
    @Nullable
    LteException reserve() {
        if (closed) {
            return closedException();
        }
        int limit = options.maxStreams() + options.maxQueued();
        if (active.incrementAndGet() > limit) {
            active.decrementAndGet();
            return new CapacityException(
                    limit + " streams are running or waiting already",
                    "try again later, or load the model with a higher maxStreams or maxQueued");
        }
        return null;
    }

    /** Takes a reservation back. */
    void abandon() {
        active.decrementAndGet();
    }

    /**
     * Takes a reserved sequence that is still being prepared, to be handed to {@link #submit} or {@link #giveUp}. From here on
     * {@link #close} ends it, however long its preparation takes. One that comes too late is failed at once.
     *
     * @return whether it is worth preparing
     */
    boolean enter(Sequence sequence) {
        boolean accepted;
        synchronized (gate) {
            accepted = !closed;
            if (accepted) {
                preparing.add(sequence);
            }
        }
        if (!accepted) {
            abandon();
            sequence.fail(closedException());
        }
        return accepted;
    }

    /** A sequence that has entered is prepared; nothing happens if it has ended meanwhile. */
    void submit(Sequence sequence) {
        synchronized (gate) {
            if (preparing.remove(sequence)) {
                inbox.add(sequence);
            }
        }
        wake();
    }

    /** A sequence that has entered cannot be prepared; nothing happens if it has ended meanwhile. */
    void giveUp(Sequence sequence, Throwable reason) {
        boolean mine;
        synchronized (gate) {
            mine = preparing.remove(sequence);
        }
        if (mine) {
            abandon();
            sequence.fail(reason);
        }
    }

    /** Makes the engine look at its sequences again. */
    void wake() {
        signalled = true;
        LockSupport.unpark(thread);
    }

    private ModelClosedException closedException() {
        return new ModelClosedException(options.name());
    }

    private void run() {
        try {
            while (!closed) {
                signalled = false;
                takeInbox();
                runJobs();
                active.addAndGet(-scheduler.settle());
                scheduler.admit();
                if (!scheduler.step()) {
                    sleep();
                }
            }
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR, "the engine of " + options.name() + " failed", e);
            failure = e;
        } finally {
            end();
        }
    }

    private void takeInbox() {
        synchronized (gate) {
            while (!inbox.isEmpty()) {
                scheduler.add(inbox.remove());
            }
        }
    }

    private void runJobs() {
        while (true) {
            Job<?> job;
            synchronized (gate) {
                job = jobs.poll();
            }
            if (job == null) {
                return;
            }
            job.run(prefixes, cache, queue);
        }
    }

    private void sleep() {
        long deadline = scheduler.nextDeadline();
        while (!signalled && !closed) {
            if (deadline == Long.MAX_VALUE) {
                LockSupport.park(this);
            } else {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    return;
                }
                LockSupport.parkNanos(this, left);
            }
            // The thread is the engine's own: an interrupt by strangers must not turn sleeping into spinning.
            Thread.interrupted();
        }
    }

    private void end() {
        synchronized (gate) {
            closed = true;
            inbox.addAll(preparing);
            preparing.clear();
        }
        takeInbox();
        LteException reason = failure == null
                ? closedException()
                : new BackendFailureException(
                        "the engine of " + options.name() + " failed: " + failure,
                        "see the cause; load the model again",
                        failure);
        active.addAndGet(-scheduler.failEveryone(reason));
        synchronized (gate) {
            jobs.forEach(job -> job.result().completeExceptionally(reason));
            jobs.clear();
        }
        runner.close();
        release.run();
    }

    /** Ends all sequences and frees all memory; returns when that is done, except on the engine's own thread. */
    @Override
    public void close() {
        synchronized (gate) {
            closed = true;
        }
        wake();
        if (Thread.currentThread() == thread) {
            return;
        }
        boolean interrupted = false;
        long deadline = System.currentTimeMillis() + CLOSE_MILLIS;
        while (thread.isAlive() && System.currentTimeMillis() < deadline) {
            try {
                thread.join(Math.max(1, deadline - System.currentTimeMillis()));
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (thread.isAlive()) {
            LOG.log(
                    Level.WARNING,
                    "{0} is still held up by a subscriber that blocks; its memory is freed when that one returns",
                    options.name());
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
