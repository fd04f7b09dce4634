package dev.lte.core.format;

import dev.lte.backend.DType;
import java.util.List;

/**
 * Where a tensor lies in a model file.
 *
 * @param name in the file
 * @param dtype element type
 * @param shape outermost dimension first; empty for a scalar
 * @param offset of its first byte in the file
 * @param bytes its size
 */
public record TensorInfo(String name, DType dtype, List<Long> shape, long offset, long bytes) {
    public TensorInfo {
        shape = List.copyOf(shape);
    }

    /** The product of all dimensions but the last; 1 for vectors. */
    public long rows() {
        long rows = 1;
        for (int i = 0; i < shape.size() - 1; i++) {
            rows = Math.multiplyExact(rows, shape.get(i));
        }
        return rows;
    }

    /** The last dimension; 1 for scalars. */
    public long columns() {
        return shape.isEmpty() ? 1 : shape.getLast();
    }
}
