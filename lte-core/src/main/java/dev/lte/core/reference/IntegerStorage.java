package dev.lte.core.reference;

/** I32 elements. */
final class IntegerStorage extends ReferenceStorage {
    private volatile int[] elements;

    IntegerStorage(ReferenceBackend backend, int columns, int[] elements) {
        super(backend, columns);
        this.elements = elements;
    }

    private int[] elements() {
        int[] current = elements;
        check();
        return current;
    }

    @Override
    void drop() {
        elements = new int[0];
    }

    int get(int row, int column) {
        return elements()[index(row, column)];
    }

    void set(int row, int column, int value) {
        elements()[index(row, column)] = value;
    }

    @Override
    void read(int row, int column, int count, float[] out, int outStart) {
        throw new IllegalArgumentException("expected floating-point elements, found I32");
    }

    @Override
    void write(int row, int column, int count, float[] values, int start) {
        throw new IllegalArgumentException("expected floating-point elements, found I32");
    }
}
