package dev.lte.core.data;

import org.jspecify.annotations.Nullable;

/** One pass over a file, example by example. Not thread-safe. */
public interface ExampleReader extends AutoCloseable {
    /**
     * The next example, or null at the end.
     *
     * @throws DataFormatException that names file and line
     * @throws java.io.UncheckedIOException if the file cannot be read
     */
    @Nullable
    Example next();

    @Override
    void close();
}
