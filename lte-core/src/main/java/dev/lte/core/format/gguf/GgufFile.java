package dev.lte.core.format.gguf;

import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An open GGUF file of version 2 or 3, little-endian. */
public final class GgufFile implements TensorFile {
    private GgufFile() {}

    /**
     * @throws dev.lte.ModelFormatException if the file is damaged or no GGUF file
     * @throws dev.lte.UnsupportedModelException if it is of version 1, big-endian, or has nested arrays
     * @throws java.io.UncheckedIOException if it cannot be read
     */
    public static GgufFile open(Path file) {
        throw new UnsupportedOperationException();
    }

    public GgufMetadata metadata() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Path path() {
        throw new UnsupportedOperationException();
    }

    @Override
    public String format() {
        throw new UnsupportedOperationException();
    }

    @Override
    public List<TensorInfo> tensors() {
        throw new UnsupportedOperationException();
    }

    @Override
    public @Nullable TensorInfo find(String name) {
        throw new UnsupportedOperationException();
    }

    @Override
    public MemorySegment bytes(TensorInfo tensor) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
}
