package dev.lte.examples.server;

import dev.lte.SparsityReport;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What has been measured of a running answer, passed from the model's listener to the writer of the answer, at most once in a
 * while. Travels in the Reactor context, under its class. Thread-safe, for one of each.
 */
final class LiveSparsity {
    private static final long INTERVAL_NANOS = 100_000_000;

    private final AtomicReference<@Nullable SparsityReport> latest = new AtomicReference<>();
    private long told = System.nanoTime() - INTERVAL_NANOS;

    /** Measures again if it is time. */
    void offer(Supplier<SparsityReport> sparsity) {
        long now = System.nanoTime();
        if (now - told >= INTERVAL_NANOS) {
            told = now;
            latest.set(sparsity.get());
        }
    }

    /** What is new since the last time, or null. */
    @Nullable
    SparsityReport take() {
        return latest.getAndSet(null);
    }
}
