package dev.lte.core.data;

import org.jspecify.annotations.Nullable;

/**
 * Batches of token ids. Not thread-safe.
 *
 * @param <T> what a batch is
 */
public interface BatchStream<T> extends AutoCloseable {
    /** The next batch, or null at the end. */
    @Nullable
    T next();

    /** From where on a stream with the same files and options gives the batches that come next here. */
    DataPosition position();

    @Override
    void close();
}
