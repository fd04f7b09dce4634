package dev.lte.core.format;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * A whole file in memory, mapped and read-only: its pages are read when they are touched and belong to the operating system.
 * Any thread may read and close it. A file must not be truncated while it is mapped.
 */
public final class MappedFile implements AutoCloseable {
    private final Path path;
    private final MemorySegment bytes;
    private final @Nullable Arena arena;

    private MappedFile(Path path, MemorySegment bytes, @Nullable Arena arena) {
        this.path = path;
        this.bytes = bytes;
        this.arena = arena;
    }

    /** @throws UncheckedIOException if the file cannot be read */
    @SuppressWarnings("MustBeClosedChecker") // Closed with the result.
    public static MappedFile open(Path file) {
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return new MappedFile(file, bytes, arena);
        } catch (IOException e) {
            arena.close();
            throw new UncheckedIOException("cannot read " + file, e);
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Bytes that are in memory already; closing leaves them alone.
     *
     * @param path for messages
     */
    public static MappedFile of(Path path, MemorySegment bytes) {
        return new MappedFile(path, bytes.asReadOnly(), null);
    }

    public Path path() {
        return path;
    }

    public MemorySegment bytes() {
        return bytes;
    }

    public long size() {
        return bytes.byteSize();
    }

    /** Unmaps the file. Reading its bytes afterwards throws {@link IllegalStateException}. Idempotent. */
    @Override
    public void close() {
        if (arena != null && arena.scope().isAlive()) {
            arena.close();
        }
    }
}
