package dev.lte.core.engine;

import dev.lte.BackendFailureException;
import dev.lte.CapacityException;
import dev.lte.LteException;
import dev.lte.ModelClosedException;
import dev.lte.backend.Backend;
import dev.lte.backend.KernelQueue;
import dev.lte.core.cache.KeyValueCache;
import dev.lte.core.cache.PagePool;
import dev.lte.core.layer.Transformer;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One thread that runs all sequences of a model. Each round takes new ones in, ends those that were cancelled or have
 * stalled, runs one chunk of one prompt, and one token of every sequence that somebody waits for. It sleeps while nobody does.
 *
 * <p>Thread-safe: {@link #submit}, {@link #wake} and {@link #close} may be called from any thread.
 */
final class Engine implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Engine.class.getName());

    /** How long {@link #close} waits for a step, or a subscriber, that does not end. */
    private static final long CLOSE_MILLIS = 30_000;

    private final EngineOptions options;
    private final PassRunner runner;
    private final PagePool pages;
    private final Runnable release;
    private final Thread thread;

    private final Object gate = new Object();
    private final Queue<Sequence> inbox = new ArrayDeque<>();
    private final AtomicInteger active = new AtomicInteger();
    private volatile boolean signalled;
    private volatile boolean closed;

    private final List<Sequence> sequences = new ArrayList<>();
    private final List<Sequence> batch = new ArrayList<>();
    private final boolean[] slots;

    /** @param release frees all that the model owns; called on the engine's thread at the end */
    Engine(Backend backend, KernelQueue queue, Transformer transformer, EngineOptions options, Runnable release) {
        this.options = options;
        this.release = release;
        int pageCount = pageCount(transformer, options);
        pages = new PagePool(pageCount);
        KeyValueCache cache = new KeyValueCache(backend, transformer.config(), options.cacheType(), pageCount);
        runner = new PassRunner(backend, queue, transformer, cache, options);
        slots = new boolean[options.maxStreams()];
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

    /** Which pages are free; for observation. */
    PagePool pages() {
        return pages;
    }

    /**
     * Counts one more sequence, to be handed to {@link #submit} soon.
     *
     * @return why there is no place, or null; then the caller must submit it or call {@link #abandon}
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

    /** Takes a reserved sequence; one that comes too late is failed at once. */
    void submit(Sequence sequence) {
        boolean accepted;
        synchronized (gate) {
            accepted = !closed;
            if (accepted) {
                inbox.add(sequence);
            }
        }
        if (accepted) {
            wake();
        } else {
            abandon();
            sequence.fail(closedException());
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
                settle();
                admit();
                if (!step()) {
                    sleep();
                }
            }
        } catch (RuntimeException | Error e) {
            LOG.log(Level.ERROR, "the engine of " + options.name() + " failed", e);
        } finally {
            end();
        }
    }

    private void takeInbox() {
        synchronized (gate) {
            sequences.addAll(inbox);
            inbox.clear();
        }
    }

    /** Tells what can be told, takes slots and pages back, forgets what is over. */
    private void settle() {
        long now = System.nanoTime();
        for (int i = 0; i < sequences.size(); i++) {
            Sequence sequence = sequences.get(i);
            settle(sequence);
            if (sequence instanceof TokenStream stream
                    && stream.stallDeadline() != Long.MAX_VALUE
                    && now - stream.stallDeadline() >= 0) {
                stream.fail(stream.stalled());
                settle(sequence);
            }
            if (sequence.isOver()) {
                sequences.remove(i--);
                active.decrementAndGet();
            }
        }
    }

    /** Pages are free before anybody hears of the end. */
    private void settle(Sequence sequence) {
        takeBack(sequence);
        sequence.flush();
        takeBack(sequence);
    }

    private void takeBack(Sequence sequence) {
        if (sequence.isAdmitted() && (sequence.isFinished() || sequence.isOver())) {
            slots[sequence.slot()] = false;
            pages.give(sequence.pages());
            sequence.release();
        }
    }

    /** In the order of arrival. One for which there are no pages keeps those behind it waiting, so that its turn comes. */
    private void admit() {
        int slot = freeSlot();
        for (int i = 0; i < sequences.size() && slot >= 0; i++) {
            Sequence sequence = sequences.get(i);
            if (sequence.isAdmitted() || !sequence.wantsStep()) {
                continue;
            }
            int[] taken = pages.take(KeyValueCache.pagesFor(sequence.maxPositions()));
            if (taken.length == 0) {
                return;
            }
            slots[slot] = true;
            sequence.admit(slot, taken);
            runner.assignPages(slot, taken);
            slot = freeSlot();
        }
    }

    private int freeSlot() {
        for (int i = 0; i < slots.length; i++) {
            if (!slots[i]) {
                return i;
            }
        }
        return -1;
    }

    /** Whether there was something to do. */
    private boolean step() {
        boolean worked = promptStep();
        batch.clear();
        for (int i = 0; i < sequences.size(); i++) {
            Sequence sequence = sequences.get(i);
            if (sequence.isAdmitted() && !sequence.inPrompt() && sequence.wantsStep()) {
                batch.add(sequence);
            }
        }
        if (batch.isEmpty()) {
            return worked;
        }
        try {
            runner.decode(batch);
        } catch (RuntimeException | Error e) {
            failAll(e);
        }
        for (int i = 0; i < batch.size(); i++) {
            settle(batch.get(i));
        }
        return true;
    }

    /** A chunk of the prompt that has waited longest since its last one. */
    private boolean promptStep() {
        for (int i = 0; i < sequences.size(); i++) {
            Sequence sequence = sequences.get(i);
            if (sequence.isAdmitted() && sequence.inPrompt() && sequence.wantsStep()) {
                try {
                    runner.promptChunk(sequence);
                } catch (RuntimeException | Error e) {
                    batch.clear();
                    batch.add(sequence);
                    failAll(e);
                }
                settle(sequence);
                if (sequence.inPrompt()) {
                    sequences.add(sequences.remove(i));
                }
                return true;
            }
        }
        return false;
    }

    private void failAll(Throwable cause) {
        LteException failure = cause instanceof LteException typed
                ? typed
                : new BackendFailureException(
                        "a step of " + options.name() + " failed: " + cause,
                        "see the cause; load the model again, or with another backend",
                        cause);
        for (int i = 0; i < batch.size(); i++) {
            batch.get(i).fail(failure);
        }
    }

    private void sleep() {
        long deadline = Long.MAX_VALUE;
        long now = System.nanoTime();
        for (int i = 0; i < sequences.size(); i++) {
            long stall = sequences.get(i).stallDeadline();
            if (stall != Long.MAX_VALUE) {
                deadline = Math.min(deadline, Math.max(1, stall - now));
            }
        }
        while (!signalled && !closed) {
            if (deadline == Long.MAX_VALUE) {
                LockSupport.park(this);
            } else {
                LockSupport.parkNanos(this, deadline);
                if (System.nanoTime() - now >= deadline) {
                    return;
                }
            }
            // The thread is the engine's own: an interrupt by strangers must not turn sleeping into spinning.
            Thread.interrupted();
        }
    }

    private void end() {
        synchronized (gate) {
            closed = true;
        }
        takeInbox();
        ModelClosedException reason = closedException();
        for (Sequence sequence : sequences) {
            sequence.fail(reason);
            active.decrementAndGet();
        }
        sequences.clear();
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
