package dev.lte.backend;

import java.util.List;

/**
 * An open device with its memory. Thread-safe. Several backends, of one provider or of many, may be open in one JVM.
 *
 * <p>{@link #close} frees every tensor; it is idempotent, and operations that race with it fail with
 * {@link IllegalStateException} rather than touch freed memory.
 */
public interface Backend extends AutoCloseable {
    /** The provider's name. */
    String name();

    DeviceInfo device();

    /** Whether {@link #weight} and {@link #ffn} accept this type as it is. */
    boolean supportsWeight(DType dtype);

    /** Whether caches may be allocated in this type. F32 always may. */
    boolean supportsCache(DType dtype);

    /**
     * A tensor filled with zeros, of a plain type or of a cache type.
     *
     * @throws IllegalArgumentException for other types, and for rows that are no whole blocks of a block type
     * @throws OutOfDeviceMemoryException with the bytes needed and available
     */
    Tensor allocate(DType dtype, int rows, int columns);

    /**
     * A weight for {@link Kernels#linear} and {@link Kernels#embed}: the rows of all parts stacked (so that query, key and
     * value projections can be one operation). The backend may keep the parts where they are or pack them.
     *
     * @param parts at least one; all with the same number of columns; element types may differ
     * @throws OutOfDeviceMemoryException with the bytes needed and available
     */
    Tensor weight(List<WeightData> parts);

    /** As {@link #weight(List)} for a single part. */
    default Tensor weight(WeightData data) {
        return weight(List.of(data));
    }

    /**
     * Packs a feed-forward block expert by expert.
     *
     * @throws OutOfDeviceMemoryException with the bytes needed and available
     */
    FfnWeights ffn(FfnData data);

    /** Frees a tensor that {@link #allocate} or {@link #weight} made, with all its views. */
    void free(Tensor tensor);

    KernelQueue openQueue();

    @Override
    void close();
}
