package dev.lte;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a conversion wrote.
 *
 * @param bytes size of the file
 * @param parameters number of weights
 * @param tensors in file order
 * @param notes what differs from what one may expect, for people
 */
public record ConversionReport(long bytes, long parameters, List<ConvertedTensor> tensors, List<String> notes) {
    public ConversionReport {
        tensors = List.copyOf(tensors);
        notes = List.copyOf(notes);
    }

    /** Bits of all tensors for each weight. */
    public double bitsPerWeight() {
        return parameters == 0
                ? 0
                : 8.0 * tensors.stream().mapToLong(ConvertedTensor::bytes).sum() / parameters;
    }

    /**
     * @param name in the written file
     * @param from element type in the source
     * @param to element type in the file
     * @param bytes size in the file
     * @param relativeError root of the mean squared difference, relative to the root of the mean square of the source; 0 if
     *     nothing was lost
     * @param note why {@code to} is not the type asked for, or null
     */
    public record ConvertedTensor(
            String name,
            String from,
            String to,
            long bytes,
            double relativeError,
            @Nullable String note) {}
}
