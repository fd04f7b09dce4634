package dev.lte.cpu;

import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A strided row-major matrix. F32 and I32 live in heap arrays, which C2 handles best and which cannot dangle; F16, BF16
 * and Q8_0, the types of large caches, in native memory. Exactly one of the three stores is present.
 */
final class CpuTensor implements Tensor {
    /** For F16 and BF16 elements; files and caches are little-endian, as is every processor with vectors worth using. */
    static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(Lanes.ORDER);

    private final Storage storage;
    private final DType dtype;
    private final int rows;
    private final int columns;
    private final int offset;
    private final int stride;
    private final float @Nullable [] floats;
    private final int @Nullable [] ints;
    private final @Nullable MemorySegment bytes;

    private CpuTensor(
            Storage storage,
            DType dtype,
            int rows,
            int columns,
            int offset,
            int stride,
            float @Nullable [] floats,
            int @Nullable [] ints,
            @Nullable MemorySegment bytes) {
        this.storage = storage;
        this.dtype = dtype;
        this.rows = rows;
        this.columns = columns;
        this.offset = offset;
        this.stride = stride;
        this.floats = floats;
        this.ints = ints;
        this.bytes = bytes;
    }

    /**
     * @throws IllegalArgumentException for block types that are not for caches, and for rows that are no whole blocks
     * @throws OutOfMemoryError also if an array cannot have that many elements
     */
    static CpuTensor allocate(CpuBackend backend, DType dtype, int rows, int columns) {
        if ((long) rows * columns > Integer.MAX_VALUE - 8) {
            throw new OutOfMemoryError("more elements than an array can have");
        }
        int elements = rows * columns;
        return switch (dtype) {
            case F32 ->
                new CpuTensor(
                        new Storage(backend, null), dtype, rows, columns, 0, columns, new float[elements], null, null);
            case I32 ->
                new CpuTensor(
                        new Storage(backend, null), dtype, rows, columns, 0, columns, null, new int[elements], null);
            case F16, BF16, Q8_0 -> {
                @SuppressWarnings("MustBeClosed") // the storage closes it
                Arena arena = Arena.ofShared();
                yield new CpuTensor(
                        new Storage(backend, arena),
                        dtype,
                        rows,
                        columns,
                        0,
                        columns,
                        null,
                        null,
                        backend.allocate(arena, dtype + " " + rows + " x " + columns, dtype.byteSize(columns) * rows));
            }
            default ->
                throw new IllegalArgumentException(
                        "a tensor of the block type " + dtype + " cannot be allocated empty");
        };
    }

    Storage storage() {
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

    /** Elements from one row to the next. */
    int stride() {
        return stride;
    }

    /** Index of the first element of a row in the store. */
    int rowStart(int row) {
        return offset + row * stride;
    }

    /**
     * The store of an F32 tensor.
     *
     * @throws IllegalStateException if freed
     * @throws IllegalArgumentException if the tensor has another type
     */
    float[] floats() {
        storage.check();
        if (floats == null) {
            throw new IllegalArgumentException("expected an F32 tensor, found " + dtype);
        }
        return floats;
    }

    /** The store of an I32 tensor; errors as {@link #floats}. */
    int[] ints() {
        storage.check();
        if (ints == null) {
            throw new IllegalArgumentException("expected an I32 tensor, found " + dtype);
        }
        return ints;
    }

    /** The store of an F16 or BF16 tensor; errors as {@link #floats}. */
    MemorySegment halves() {
        storage.check();
        if (bytes == null || dtype.isQuantized()) {
            throw new IllegalArgumentException("expected an F16 or BF16 tensor, found " + dtype);
        }
        return bytes;
    }

    /** The store of a Q8_0 tensor; errors as {@link #floats}. */
    private MemorySegment blocks() {
        storage.check();
        if (bytes == null || dtype != DType.Q8_0) {
            throw new IllegalArgumentException("expected a Q8_0 tensor, found " + dtype);
        }
        return bytes;
    }

    /** Decodes {@code count} elements of a row of a floating-point tensor. */
    void readRow(int row, int column, int count, float[] out, int outStart) {
        int start = rowStart(row) + column;
        switch (dtype) {
            case F32 -> System.arraycopy(floats(), start, out, outStart, count);
            case F16 -> HalfRows.decodeF16(halves(), start, count, out, outStart);
            case BF16 -> HalfRows.decodeBf16(halves(), start, count, out, outStart);
            case Q8_0 -> Q8Rows.decode(blocks(), start, count, out, outStart);
            default -> throw new IllegalArgumentException("expected a floating-point tensor, found " + dtype);
        }
    }

    /** As {@link #readRow}, in plain loops where {@link Warming} has something to gain. */
    void readRowPlainly(int row, int column, int count, float[] out, int outStart) {
        if (dtype == DType.F16) {
            HalfRows.decodeF16Plainly(halves(), rowStart(row) + column, count, out, outStart);
        } else {
            readRow(row, column, count, out, outStart);
        }
    }

    /** Rounds {@code count} values (whole blocks of a block type) to nearest and stores them in a row of a floating-point tensor. */
    void writeRow(int row, int column, int count, float[] values, int start) {
        int at = rowStart(row) + column;
        switch (dtype) {
            case F32 -> System.arraycopy(values, start, floats(), at, count);
            case F16 -> HalfRows.encodeF16(values, start, count, halves(), at);
            case BF16 -> HalfRows.encodeBf16(values, start, count, halves(), at);
            case Q8_0 -> Q8Rows.encode(values, start, count, blocks(), at);
            default -> throw new IllegalArgumentException("expected a floating-point tensor, found " + dtype);
        }
    }

    @Override
    public CpuTensor rowRange(int from, int to) {
        Objects.checkFromToIndex(from, to, rows);
        return new CpuTensor(storage, dtype, to - from, columns, offset + from * stride, stride, floats, ints, bytes);
    }

    @Override
    public CpuTensor columnRange(int from, int to) {
        Objects.checkFromToIndex(from, to, columns);
        if (dtype.isQuantized()) {
            throw new UnsupportedOperationException("block types have no column views: " + dtype);
        }
        return new CpuTensor(storage, dtype, rows, to - from, offset + from, stride, floats, ints, bytes);
    }

    @Override
    public String toString() {
        return dtype + " " + rows + " x " + columns;
    }
}
