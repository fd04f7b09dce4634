package dev.lte.core.convert;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A tensor to write.
 *
 * @param name in the file
 * @param dtype element type in the file
 * @param vector whether it has one dimension
 * @param parts one behind the other; the rows, or the elements of vectors, of several weights
 * @param added to every element: norms of Gemma are stored with or without 1
 * @param note why the type is not the one asked for, or null
 */
record PlannedTensor(
        String name,
        DType dtype,
        boolean vector,
        List<Part> parts,
        float added,
        @Nullable String note) {
    PlannedTensor {
        parts = List.copyOf(parts);
    }

    /**
     * @param weight where it comes from
     * @param order for each row (or element, of a vector) the one it comes from; null for the weight's own
     */
    record Part(WeightData weight, int @Nullable [] order) {
        int rows() {
            return weight.rows();
        }
    }

    /** Outermost dimension first. */
    List<Long> shape() {
        long columns = vector ? elements() : parts.getFirst().weight().columns();
        return vector ? List.of(columns) : List.of(elements() / columns, columns);
    }

    long elements() {
        long elements = 0;
        for (Part part : parts) {
            elements += (long) part.weight().rows() * part.weight().columns();
        }
        return elements;
    }

    long bytes() {
        return dtype.byteSize(elements());
    }

    DType from() {
        return parts.getFirst().weight().dtype();
    }

    /** Whether bytes are taken over as they are. */
    boolean copies() {
        return added == 0
                && !vector
                && parts.stream().allMatch(part -> part.weight().dtype() == dtype);
    }
}
