package dev.lte.cpu;

import dev.lte.BackendFailureException;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A weight cut into items of equal size that are packed one by one: tiles of a matrix, experts of a feed-forward block. They lie
 * in {@link #memory} once {@link #isPacked} is true. Until then a kernel packs the items that it comes by for itself
 * ({@link PackBuffer}), as the bytes are the same wherever they lie, the first time; then it waits ({@link #beforeUse}). Thread-safe.
 */
final class PackedItems {
    /** Packs items, with buffers of its own. Used by one thread. */
    interface Packer {
        void pack(int item, MemorySegment to, long toStart);
    }

    private final String what;
    private final MemorySegment memory;
    private final int items;
    private final long itemBytes;
    private final Supplier<Packer> packers;
    private volatile boolean packed;
    private volatile boolean cancelled;
    private volatile @Nullable Throwable failure;
    private boolean used;
    private volatile boolean awaited;

    /**
     * @param what for messages
     * @param memory room for all items
     * @param packers makes one for each thread
     */
    PackedItems(String what, MemorySegment memory, int items, long itemBytes, Supplier<Packer> packers) {
        this.what = what;
        this.memory = memory;
        this.items = items;
        this.itemBytes = itemBytes;
        this.packers = packers;
    }

    /** Items that are in memory already. */
    static PackedItems of(String what, MemorySegment memory, int items, long itemBytes, Supplier<Packer> packers) {
        PackedItems result = new PackedItems(what, memory, items, itemBytes, packers);
        result.packed = true;
        return result;
    }

    /** All items, from the first on. */
    MemorySegment memory() {
        return memory;
    }

    int items() {
        return items;
    }

    long itemBytes() {
        return itemBytes;
    }

    Packer packer() {
        return packers.get();
    }

    /**
     * Whether the items are in memory.
     *
     * @throws BackendFailureException if they could not be brought there
     */
    boolean isPacked() {
        if (packed) {
            return true;
        }
        Throwable thrown = failure;
        if (thrown != null) {
            throw new BackendFailureException(
                    what + " could not be packed: " + thrown,
                    "see the cause; was the file changed while the model was in use? Close the model and load it again",
                    thrown);
        }
        return false;
    }

    /** Packs all items with all threads of a pool. */
    void packAll(WorkerPool pool) {
        pool.run(task(pool, 0, items), chunks(pool, 0, items));
        finish();
    }

    /**
     * Packs items {@code first} to {@code end} with the threads of a pool.
     *
     * @return as {@link WorkerPool#runInBackground}
     */
    long packInBackground(WorkerPool pool, int first, int end) {
        return pool.runInBackground(task(pool, first, end), chunks(pool, first, end));
    }

    private static int chunks(WorkerPool pool, int first, int end) {
        return Math.min(end - first, 8 * pool.threads());
    }

    private WorkerPool.Task task(WorkerPool pool, int first, int end) {
        int chunks = chunks(pool, first, end);
        long count = end - first;
        return (chunk, worker) -> {
            Packer packer = packers.get();
            int last = first + (int) ((chunk + 1) * count / chunks);
            for (int item = first + (int) (chunk * count / chunks); item < last; item++) {
                packer.pack(item, memory, item * itemBytes);
            }
        };
    }

    /**
     * To be called before the items are multiplied with. The first time it returns at once: packing them for one use is sooner done than
     * bringing them to memory, which takes fresh pages. From then on it waits until they are in memory, as packing them again and
     * again would take longer.
     *
     * @throws BackendFailureException if they could not be brought there
     * @throws IllegalStateException if the backend is closed or the weight freed meanwhile
     */
    void beforeUse() {
        if (!isPacked()) {
            awaitUnlessFirst();
        }
    }

    private synchronized void awaitUnlessFirst() {
        boolean first = !used;
        used = true;
        boolean interrupted = false;
        while (!first && !isPacked()) {
            if (cancelled) {
                throw new IllegalStateException(what + ": the backend is closed or the weight has been freed");
            }
            awaited = true;
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether somebody waits for the items. */
    boolean isAwaited() {
        return awaited;
    }

    /** All items are in memory. */
    synchronized void finish() {
        packed = true;
        notifyAll();
    }

    /** The items will not get into memory. */
    synchronized void fail(Throwable thrown) {
        failure = thrown;
        notifyAll();
    }

    /** The memory is about to go, so that there is no use in filling it. */
    synchronized void cancel() {
        cancelled = true;
        notifyAll();
    }

    boolean isCancelled() {
        return cancelled;
    }
}
