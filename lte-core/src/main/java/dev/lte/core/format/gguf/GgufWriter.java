package dev.lte.core.format.gguf;

import dev.lte.Progress;
import dev.lte.backend.DType;
import dev.lte.core.format.TensorBody;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Writes GGUF files of version 3, piece by piece. */
public final class GgufWriter {
    private GgufWriter() {}

    /** @param shape outermost dimension first */
    public record Entry(String name, DType dtype, List<Long> shape, TensorBody body) {
        public Entry {
            shape = List.copyOf(shape);
        }
    }

    public static void write(Path target, Map<String, Object> metadata, List<Entry> tensors) {
        write(target, metadata, tensors, progress -> {});
    }

    /**
     * @param progress told of the bytes of tensors that are written
     * @throws java.io.UncheckedIOException if the file cannot be written
     */
    public static void write(
            Path target, Map<String, Object> metadata, List<Entry> tensors, Consumer<Progress> progress) {
        throw new UnsupportedOperationException();
    }
}
