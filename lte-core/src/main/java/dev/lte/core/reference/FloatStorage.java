package dev.lte.core.reference;

/** F32 elements. */
final class FloatStorage extends ReferenceStorage {
    private volatile float[] elements;

    FloatStorage(ReferenceBackend backend, int columns, float[] elements) {
        super(backend, columns);
        this.elements = elements;
    }

    private float[] elements() {
        float[] current = elements;
        check();
        return current;
    }

    @Override
    void drop() {
        elements = new float[0];
    }

    @Override
    void read(int row, int column, int count, float[] out, int outStart) {
        System.arraycopy(elements(), index(row, column), out, outStart, count);
    }

    @Override
    void write(int row, int column, int count, float[] values, int start) {
        System.arraycopy(values, start, elements(), index(row, column), count);
    }
}
