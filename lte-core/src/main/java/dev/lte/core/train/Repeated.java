package dev.lte.core.train;

import dev.lte.backend.KernelQueue;
import org.jspecify.annotations.Nullable;

/**
 * Operations that run again and again on the same tensors. They are enqueued one by one the first time, so that the backend
 * makes what it needs for them, and as a recording from the second time on. Not thread-safe.
 */
final class Repeated implements AutoCloseable {
    private final KernelQueue queue;
    private final Runnable operations;
    private KernelQueue.@Nullable Recording recording;
    private boolean ran;

    /** @param operations the same calls of kernels every time */
    Repeated(KernelQueue queue, Runnable operations) {
        this.queue = queue;
        this.operations = operations;
    }

    void run() {
        if (!ran) {
            ran = true;
            operations.run();
            return;
        }
        if (recording == null) {
            recording = queue.record(operations);
        }
        recording.run();
    }

    /** Frees the recording; what runs later is recorded anew. */
    @Override
    public void close() {
        if (recording != null) {
            recording.close();
            recording = null;
        }
        ran = false;
    }
}
