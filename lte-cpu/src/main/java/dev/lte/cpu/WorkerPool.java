package dev.lte.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A fixed set of threads that run the items of one task at a time; the caller is one of them. Workers spin for a few
 * microseconds between tasks, as the kernels of a decode step follow each other closely, then park. Nobody waits for a worker
 * that has not begun when the last item is taken, so a processor that others keep busy delays no task. Running a task
 * allocates nothing.
 *
 * <p>Thread-safe: tasks of several callers run one after the other. An interrupt neither stops a task nor gets lost. The
 * first exception of an item is thrown to the caller once all workers have let go of the task; remaining items are skipped.
 */
final class WorkerPool implements AutoCloseable {
    /** A piece of work that can be cut into items. Called from several threads at once. */
    interface Task {
        /**
         * @param item from 0
         * @param worker the executing thread's own number, 0 for the caller; indexes scratch memory
         */
        void run(int item, int worker);
    }

    /** About 30 microseconds: longer than the gap between two kernels of a decode step, too short to be seen as load. */
    private static final int SPINS = 1_000;

    /** Ten microseconds of one thread: what is gained by sharing less is lost at the barrier, above all on a busy machine. */
    private static final long SMALL_BYTES = 256 << 10;

    private static final int SHUT = Integer.MIN_VALUE;

    private final int threads;
    private final Worker[] workers;
    private final ReentrantLock callers = new ReentrantLock();

    private final AtomicInteger next = new AtomicInteger();
    /** How many workers are inside of the task; plus {@link #SHUT} while none may enter. */
    private final AtomicInteger inside = new AtomicInteger(SHUT);

    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private @Nullable Task task;
    private int items;
    private volatile @Nullable Thread waiting;
    /** Counts tasks; its change releases the workers. */
    private final AtomicInteger generation = new AtomicInteger();

    private volatile boolean closed;

    WorkerPool(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("a pool needs at least one thread, found " + threads);
        }
        this.threads = threads;
        workers = new Worker[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] = new Worker(i + 1);
            workers[i].start();
        }
    }

    /** The number of threads, the caller's included. */
    int threads() {
        return threads;
    }

    /**
     * Runs all items of a task and returns when none is running any more. Not reentrant.
     *
     * @throws IllegalStateException if the pool is closed
     */
    void run(Task task, int items) {
        if (items <= 0) {
            return;
        }
        callers.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the backend is closed");
            }
            if (items == 1 || workers.length == 0) {
                for (int item = 0; item < items; item++) {
                    task.run(item, 0);
                }
                return;
            }
            runShared(task, items);
        } finally {
            callers.unlock();
        }
    }

    /**
     * As {@link #run(Task, int)}; work that is over sooner than another thread could take part runs on the caller alone.
     *
     * @param bytes of memory that the whole task goes through
     */
    void run(Task task, int items, long bytes) {
        if (bytes >= SMALL_BYTES) {
            run(task, items);
            return;
        }
        for (int item = 0; item < items; item++) {
            task.run(item, 0);
        }
    }

    private void runShared(Task task, int items) {
        this.task = task;
        this.items = items;
        next.set(0);
        failure.set(null);
        waiting = null;
        inside.set(0); // publishes the plain fields to those who enter
        generation.incrementAndGet();
        for (Worker worker : workers) {
            if (worker.parked) {
                LockSupport.unpark(worker);
            }
        }
        work(0);
        inside.addAndGet(SHUT);
        awaitWorkers();
        this.task = null;
        Throwable thrown = failure.get();
        if (thrown != null) {
            failure.set(null);
            WorkerPool.<RuntimeException>rethrow(thrown);
        }
    }

    private void work(int worker) {
        Task current = task;
        int count = items;
        if (current == null) {
            return;
        }
        try {
            for (int item = next.getAndIncrement(); item < count; item = next.getAndIncrement()) {
                current.run(item, worker);
            }
        } catch (Throwable t) {
            failure.compareAndSet(null, t);
            next.set(count);
        }
    }

    private void awaitWorkers() {
        for (int i = 0; i < SPINS; i++) {
            if (inside.get() == SHUT) {
                return;
            }
            Thread.onSpinWait();
        }
        boolean interrupted = false;
        waiting = Thread.currentThread();
        while (inside.get() != SHUT) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted();
        }
        waiting = null;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private boolean enter() {
        for (int count = inside.get(); count >= 0; count = inside.get()) {
            if (inside.compareAndSet(count, count + 1)) {
                return true;
            }
        }
        return false;
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> void rethrow(Throwable thrown) throws E {
        throw (E) thrown;
    }

    /** Waits for the running task, then ends the threads. Idempotent. */
    @Override
    public void close() {
        callers.lock();
        try {
            closed = true;
            generation.incrementAndGet();
        } finally {
            callers.unlock();
        }
        boolean interrupted = false;
        for (Worker worker : workers) {
            LockSupport.unpark(worker);
            while (worker.isAlive() && worker != Thread.currentThread()) {
                try {
                    worker.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private final class Worker extends Thread {
        private final int number;
        private volatile boolean parked;

        Worker(int number) {
            super("lte-cpu-" + number);
            this.number = number;
            setDaemon(true);
        }

        @Override
        public void run() {
            int seen = 0;
            while (true) {
                seen = awaitGenerationAfter(seen);
                if (closed) {
                    return;
                }
                if (enter()) {
                    work(number);
                    if (inside.decrementAndGet() == SHUT) {
                        LockSupport.unpark(waiting);
                    }
                }
            }
        }

        private int awaitGenerationAfter(int seen) {
            for (int i = 0; i < SPINS; i++) {
                int now = generation.get();
                if (now != seen) {
                    return now;
                }
                Thread.onSpinWait();
            }
            parked = true;
            while (generation.get() == seen) {
                LockSupport.park(WorkerPool.this);
                // An interrupt by strangers must not turn parking into spinning.
                Thread.interrupted();
            }
            parked = false;
            return generation.get();
        }
    }
}
