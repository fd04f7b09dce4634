package dev.lte.core.reference;

import dev.lte.backend.DType;

/** F16 or BF16 elements. */
final class HalfStorage extends ReferenceStorage {
    private final boolean brain;
    private volatile short[] elements;

    HalfStorage(ReferenceBackend backend, DType dtype, int columns, short[] elements) {
        super(backend, columns);
        brain = dtype == DType.BF16;
        this.elements = elements;
    }

    private short[] elements() {
        short[] current = elements;
        check();
        return current;
    }

    @Override
    void drop() {
        elements = new short[0];
    }

    @Override
    void read(int row, int column, int count, float[] out, int outStart) {
        short[] from = elements();
        int at = index(row, column);
        for (int i = 0; i < count; i++) {
            out[outStart + i] = brain ? Float.intBitsToFloat(from[at + i] << 16) : Float.float16ToFloat(from[at + i]);
        }
    }

    @Override
    void write(int row, int column, int count, float[] values, int start) {
        short[] to = elements();
        int at = index(row, column);
        for (int i = 0; i < count; i++) {
            to[at + i] = brain ? toBrain(values[start + i]) : Float.floatToFloat16(values[start + i]);
        }
    }

    /** The upper half of the bits, rounded to nearest even; a NaN stays one. */
    private static short toBrain(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }
}
