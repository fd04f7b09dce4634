package dev.lte.core.sparse;

/** Rows of a matrix as F32, whatever their element type. Must allow calls from several threads at once. */
@FunctionalInterface
public interface RowReader {
    /** @param into (columns), overwritten */
    void read(int row, float[] into);

    /** @param values (rows, columns) row by row */
    static RowReader of(float[] values, int columns) {
        return (row, into) -> System.arraycopy(values, row * columns, into, 0, columns);
    }
}
