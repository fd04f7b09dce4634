package dev.lte.core.reference;

/**
 * The elements of a tensor and of all its views: a matrix of {@code columns} columns. Every access checks that it has not
 * been freed.
 */
abstract sealed class ReferenceStorage permits FloatStorage, HalfStorage, BlockStorage, IntegerStorage, WeightStorage {
    private final ReferenceBackend backend;
    private final int columns;
    private volatile boolean freed;

    ReferenceStorage(ReferenceBackend backend, int columns) {
        this.backend = backend;
        this.columns = columns;
    }

    final ReferenceBackend backend() {
        return backend;
    }

    /** Index of an element in row-major order. */
    final int index(int row, int column) {
        return row * columns + column;
    }

    /**
     * @throws IllegalStateException if this was freed or its backend closed
     */
    final void check() {
        if (freed) {
            throw new IllegalStateException("the tensor was freed, by itself or with its backend");
        }
    }

    /** Makes every later access fail; the elements go when nothing refers to them. */
    final void free() {
        freed = true;
        drop();
    }

    /** Forgets the elements. */
    abstract void drop();

    /** Copies {@code count} elements of a row, beginning at {@code column}, to {@code out}. */
    abstract void read(int row, int column, int count, float[] out, int outStart);

    /** Overwrites {@code count} elements of a row, rounding to nearest even, in blocks as {@link BlockStorage} does. */
    abstract void write(int row, int column, int count, float[] values, int start);
}
