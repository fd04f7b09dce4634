package dev.lte.core.format.safetensors;

import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An open safetensors file. */
public final class SafetensorsFile implements TensorFile {
    private SafetensorsFile() {}

    /** @param fileOrDirectory a file, or a directory with model.safetensors or model.safetensors.index.json */
    public static TensorFile open(Path fileOrDirectory) {
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
