package dev.lte.core.convert;

import dev.lte.backend.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a conversion wrote.
 *
 * @param bytes size of the file
 * @param bitsPerWeight of all tensors together
 * @param tensors in file order
 * @param notes what differs from what one may expect, for people
 */
public record ConversionSummary(long bytes, double bitsPerWeight, List<TensorSummary> tensors, List<String> notes) {
    public ConversionSummary {
        tensors = List.copyOf(tensors);
        notes = List.copyOf(notes);
    }

    /**
     * @param name in the file written
     * @param from element type in the source
     * @param to element type in the file
     * @param bytes size in the file
     * @param elements number of weights
     * @param relativeError root mean square of the differences over that of the weights; 0 for exact copies
     * @param note why {@code to} is not the type asked for, or null
     */
    public record TensorSummary(
            String name, DType from, DType to, long bytes, long elements, double relativeError, @Nullable String note) {}
}
