package dev.lte;

import java.util.List;
import java.util.Map;

/**
 * What a model file says of itself, read without loading its weights.
 *
 * @param format such as {@code GGUF v3}
 * @param metadata keys and values, long arrays shortened
 * @param tensors in file order
 */
public record ModelFileInfo(String format, Map<String, String> metadata, List<TensorEntry> tensors) {
    public ModelFileInfo {
        tensors = List.copyOf(tensors);
    }

    /**
     * @param name in the file
     * @param type element type
     * @param shape outermost dimension first
     * @param bytes size in the file
     */
    public record TensorEntry(String name, String type, List<Long> shape, long bytes) {
        public TensorEntry {
            shape = List.copyOf(shape);
        }
    }
}
