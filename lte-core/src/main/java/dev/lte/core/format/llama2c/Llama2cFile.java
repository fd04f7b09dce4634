package dev.lte.core.format.llama2c;

import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An open checkpoint of llama2.c, version 0. Tensors are named as in GGUF files of Llama. */
public final class Llama2cFile implements TensorFile {
    private Llama2cFile() {}

    public static Llama2cFile open(Path file) {
        throw new UnsupportedOperationException();
    }

    public Llama2cHeader header() {
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
