package dev.lte.backend;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * A weight matrix as a model file holds it: row-major, little-endian, rows of whole blocks.
 *
 * @param name the tensor's name in the file, for errors
 * @param dtype element type
 * @param rows output features (or vocabulary entries); 1 for a vector
 * @param columns input features
 * @param bytes exactly {@code rows x dtype.byteSize(columns)} bytes, often a mapped file; stays readable as long as the
 *     backend that it was given to is open, so a backend may keep reading it instead of copying; bytes that are read-only, as those of
 *     mapped files are, stay what they are as well, so that it may read them later
 */
public record WeightData(String name, DType dtype, int rows, int columns, MemorySegment bytes) {
    public WeightData {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(dtype, "dtype");
        if (rows < 1 || columns < 1) {
            throw new IllegalArgumentException(
                    name + ": expected at least one row and column, found " + rows + " x " + columns);
        }
        long expected = Math.multiplyExact((long) rows, dtype.byteSize(columns));
        if (bytes.byteSize() != expected) {
            throw new IllegalArgumentException(name + ": expected " + expected + " bytes for " + rows + " x " + columns
                    + " " + dtype + ", found " + bytes.byteSize());
        }
    }

    /** Bytes of one row. */
    public long rowBytes() {
        return dtype.byteSize(columns);
    }

    /** The rows {@code from} (inclusive) to {@code to} (exclusive), sharing the bytes. */
    public WeightData rowRange(int from, int to) {
        Objects.checkFromToIndex(from, to, rows);
        return new WeightData(
                name, dtype, to - from, columns, bytes.asSlice(from * rowBytes(), (to - from) * rowBytes()));
    }
}
