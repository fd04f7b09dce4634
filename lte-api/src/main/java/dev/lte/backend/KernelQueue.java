package dev.lte.backend;

import org.jspecify.annotations.Nullable;

/**
 * An ordered stream of operations on one backend. Not thread-safe: one thread at a time uses a queue. A backend may open
 * several. {@link #read} waits for everything enqueued before; nothing else blocks for long.
 */
public interface KernelQueue extends Kernels, AutoCloseable {
    /**
     * The operations of training, enqueued in one order with all others of this queue; null if the backend serves inference
     * only. Always the same object.
     */
    default @Nullable TrainingKernels training() {
        return null;
    }

    /**
     * Overwrites a plain F32, F16 or BF16 tensor, rounding to nearest even. {@code values} may be reused at once.
     *
     * @param values {@code rows x columns} values, row-major, from index 0; longer arrays are allowed
     */
    void write(Tensor tensor, float[] values);

    /** Overwrites an I32 tensor. {@code values} may be reused at once. */
    void write(Tensor tensor, int[] values);

    /**
     * Waits for the queue, then copies a tensor of any type (quantised ones decoded) to {@code values}.
     *
     * @param values at least {@code rows x columns} long
     */
    void read(Tensor tensor, float[] values);

    /** Waits for the queue, then copies an I32 tensor to {@code values}. */
    void read(Tensor tensor, int[] values);

    /**
     * Turns the operations that {@code operations} enqueues into something that can be run again on the same tensors. Nothing
     * runs until {@link Recording#run}. A backend that can capture (CUDA graphs) does; this default simply repeats the calls.
     *
     * @param operations calls only {@link Kernels} and {@link TrainingKernels} methods of this queue, and the same ones every
     *     time
     */
    default Recording record(Runnable operations) {
        return operations::run;
    }

    /** Waits until everything enqueued has run. */
    void await();

    @Override
    void close();

    /** Operations that can be enqueued as one. */
    @FunctionalInterface
    interface Recording extends AutoCloseable {
        /** Enqueues the recorded operations. */
        void run();

        /** Frees what the recording holds. */
        @Override
        default void close() {}
    }
}
