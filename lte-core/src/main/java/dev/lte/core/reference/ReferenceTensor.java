package dev.lte.core.reference;

import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import java.util.Objects;

/** A rectangle of a {@link ReferenceStorage}. Kernels read and write it a row at a time. */
final class ReferenceTensor implements Tensor {
    private final ReferenceStorage storage;
    private final DType dtype;
    private final int firstRow;
    private final int rows;
    private final int firstColumn;
    private final int columns;

    ReferenceTensor(ReferenceStorage storage, DType dtype, int firstRow, int rows, int firstColumn, int columns) {
        this.storage = storage;
        this.dtype = dtype;
        this.firstRow = firstRow;
        this.rows = rows;
        this.firstColumn = firstColumn;
        this.columns = columns;
    }

    ReferenceStorage storage() {
        return storage;
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public int columns() {
        return columns;
    }

    @Override
    public ReferenceTensor rowRange(int from, int to) {
        storage.check();
        Objects.checkFromToIndex(from, to, rows);
        return new ReferenceTensor(storage, dtype, firstRow + from, to - from, firstColumn, columns);
    }

    @Override
    public ReferenceTensor columnRange(int from, int to) {
        storage.check();
        Objects.checkFromToIndex(from, to, columns);
        if (storage instanceof BlockStorage || storage instanceof WeightStorage weight && !weight.isPlain()) {
            throw new UnsupportedOperationException("block types have no column views: " + dtype);
        }
        return new ReferenceTensor(storage, dtype, firstRow, rows, firstColumn + from, to - from);
    }

    /** Row t as F32. */
    float[] row(int t) {
        float[] values = new float[columns];
        readRow(t, values);
        return values;
    }

    /** All rows as F32. */
    float[][] allRows() {
        float[][] values = new float[rows][columns];
        for (int t = 0; t < rows; t++) {
            readRow(t, values[t]);
        }
        return values;
    }

    /** Copies row t to the beginning of {@code values}. */
    void readRow(int t, float[] values) {
        readRow(t, values, 0);
    }

    void readRow(int t, float[] values, int start) {
        storage.read(firstRow + Objects.checkIndex(t, rows), firstColumn, columns, values, start);
    }

    /** Overwrites row t, rounding to nearest. */
    void writeRow(int t, float[] values, int start) {
        storage.write(firstRow + Objects.checkIndex(t, rows), firstColumn, columns, values, start);
    }

    /** Rounds a result to F32 and stores it in row t, or adds it to what is there before rounding. */
    void store(int t, double[] result, Write write) {
        float[] values = new float[columns];
        if (write == Write.ADD) {
            readRow(t, values);
        }
        for (int i = 0; i < columns; i++) {
            values[i] = (float) (values[i] + result[i]);
        }
        writeRow(t, values, 0);
    }

    /** An element of an I32 tensor. */
    int integer(int row, int column) {
        int r = firstRow + Objects.checkIndex(row, rows);
        return integers().get(r, firstColumn + Objects.checkIndex(column, columns));
    }

    void setInteger(int row, int column, int value) {
        int r = firstRow + Objects.checkIndex(row, rows);
        integers().set(r, firstColumn + Objects.checkIndex(column, columns), value);
    }

    private IntegerStorage integers() {
        if (storage instanceof IntegerStorage integers) {
            return integers;
        }
        throw new IllegalArgumentException("expected integers, found " + this);
    }

    @Override
    public String toString() {
        return rows + " x " + columns + " " + dtype;
    }
}
