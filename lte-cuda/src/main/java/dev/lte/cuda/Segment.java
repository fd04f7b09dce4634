package dev.lte.cuda;

import dev.lte.backend.DType;

/**
 * Rows of one element type on the device.
 *
 * @param address of the elements, or of the codes of block types
 * @param scales address of the F16 scales of block types, {@code columns / 32} a row; 0 for plain types
 * @param stride bytes from row to row
 */
record Segment(DType dtype, int rows, long address, long scales, long stride) {
    Segment rowRange(int from, int to, int columns) {
        long scalesFrom = scales == 0 ? 0 : scales + (long) from * (columns / 32) * Short.BYTES;
        return new Segment(dtype, to - from, address + from * stride, scalesFrom, stride);
    }

    /** Bytes of one row without its scales, before padding. */
    static long rowBytes(DType dtype, int columns) {
        return switch (dtype) {
            case F32, I32 -> 4L * columns;
            case F16, BF16 -> 2L * columns;
            case Q8_0 -> columns;
            case Q4_0 -> columns / 2;
            default -> throw new IllegalArgumentException("no element type of this backend: " + dtype);
        };
    }

    /** Elements that fill 16 bytes. */
    static int chunk(DType dtype) {
        return switch (dtype) {
            case F16, BF16 -> 8;
            case Q8_0 -> 16;
            case Q4_0 -> 32;
            default -> 4;
        };
    }

    /** The type's number in the kernels. */
    static int code(DType dtype) {
        return switch (dtype) {
            case F32 -> 0;
            case F16 -> 1;
            case BF16 -> 2;
            case Q8_0 -> 3;
            case Q4_0 -> 4;
            default -> throw new IllegalArgumentException("no element type of this backend: " + dtype);
        };
    }

    int code() {
        return code(dtype);
    }

    /** Whether every row begins at a multiple of 16 bytes and {@code columns} are whole chunks. */
    boolean isAligned() {
        return address % 16 == 0 && stride % 16 == 0;
    }
}
