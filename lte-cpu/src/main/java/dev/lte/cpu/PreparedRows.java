package dev.lte.cpu;

/**
 * The rows of an input in the form that a format's {@link TileFormat#multiply} wants: the input itself where that is how they
 * are, a copy otherwise. Made before a product, then read by all threads.
 */
final class PreparedRows {
    private float[] own = {};
    private float[] x = {};
    private int start;
    private int stride;
    private int[] integers = {};
    private int integerStride;

    void set(TileFormat format, float[] input, int inputStart, int inputStride, int rows, int k) {
        int length = format.prepared(k);
        if (length == 0) {
            x = input;
            start = inputStart;
            stride = inputStride;
            return;
        }
        integerStride = format.preparedIntegers(k);
        if (own.length < rows * length) {
            own = new float[rows * length];
        }
        if (integers.length < rows * integerStride) {
            integers = new int[rows * integerStride];
        }
        for (int r = 0; r < rows; r++) {
            format.prepare(input, inputStart + r * inputStride, k, own, r * length, integers, r * integerStride);
        }
        x = own;
        start = 0;
        stride = length;
    }

    float[] x() {
        return x;
    }

    int rowStart(int row) {
        return start + row * stride;
    }

    /** What {@link TileFormat#prepare} made beside the floats. */
    int[] integers() {
        return integers;
    }

    int integerStart(int row) {
        return row * integerStride;
    }
}
