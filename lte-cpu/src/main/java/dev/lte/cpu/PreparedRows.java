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

    void set(TileFormat format, float[] input, int inputStart, int inputStride, int rows, int k) {
        int length = format.prepared(k);
        if (length == 0) {
            x = input;
            start = inputStart;
            stride = inputStride;
            return;
        }
        if (own.length < rows * length) {
            own = new float[rows * length];
        }
        for (int r = 0; r < rows; r++) {
            format.prepare(input, inputStart + r * inputStride, k, own, r * length);
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
}
