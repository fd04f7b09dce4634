package dev.lte.core.format.safetensors;

import dev.lte.Progress;
import dev.lte.backend.DType;
import dev.lte.core.format.TensorBody;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Writes safetensors files, piece by piece. */
public final class SafetensorsWriter {
    private SafetensorsWriter() {}

    /** @param shape outermost dimension first */
    public record Entry(String name, DType dtype, List<Long> shape, TensorBody body) {
        public Entry {
            shape = List.copyOf(shape);
        }
    }

    public static void write(
            Path target, Map<String, String> metadata, List<Entry> tensors, Consumer<Progress> progress) {
        throw new UnsupportedOperationException();
    }
}
