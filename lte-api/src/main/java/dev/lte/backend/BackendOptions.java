package dev.lte.backend;

import org.jspecify.annotations.Nullable;

/**
 * How to open a backend.
 *
 * @param threads host threads for kernels; 0 lets the backend choose from the processors that the JVM may use
 * @param device index of the device where there are several
 * @param weightCache where packed weights may be kept, or null
 */
public record BackendOptions(
        int threads, int device, @Nullable WeightCache weightCache) {
    public BackendOptions {
        if (threads < 0 || threads > 1024) {
            throw new IllegalArgumentException("threads must be 0 (automatic) to 1024, found " + threads);
        }
        if (device < 0) {
            throw new IllegalArgumentException("device must not be negative, found " + device);
        }
    }

    /** Without a cache of weights. */
    public BackendOptions(int threads, int device) {
        this(threads, device, null);
    }

    public static BackendOptions defaults() {
        return new BackendOptions(0, 0);
    }
}
