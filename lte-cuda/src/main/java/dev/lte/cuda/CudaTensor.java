package dev.lte.cuda;

import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Rows on the device, in one segment unless it is a weight of parts of different types. */
final class CudaTensor implements Tensor {
    private final CudaStorage storage;
    private final DType dtype;
    private final int rows;
    private final int columns;
    private final List<Segment> segments;

    CudaTensor(CudaStorage storage, DType dtype, int rows, int columns, List<Segment> segments) {
        this.storage = storage;
        this.dtype = dtype;
        this.rows = rows;
        this.columns = columns;
        this.segments = segments;
    }

    CudaStorage storage() {
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

    List<Segment> segments() {
        return segments;
    }

    /** Address of the first element of a plain tensor. */
    long address() {
        return plain().address();
    }

    /** Elements from row to row of a plain tensor. */
    long stride() {
        return plain().stride() / dtype.blockBytes();
    }

    /** Whether every row of a plain tensor begins at a multiple of 16 bytes. */
    boolean isAligned() {
        return plain().isAligned();
    }

    /** Whether this is the same part of the same plain tensor. */
    boolean sameRows(CudaTensor other) {
        return address() == other.address()
                && stride() == other.stride()
                && rows == other.rows
                && columns == other.columns
                && dtype == other.dtype;
    }

    private Segment plain() {
        if (segments.size() != 1 || dtype.isQuantized()) {
            throw new IllegalArgumentException("expected a tensor of one plain type, found " + this + " in "
                    + segments.size() + " parts of different types");
        }
        return segments.getFirst();
    }

    @Override
    public CudaTensor rowRange(int from, int to) {
        storage.check();
        Objects.checkFromToIndex(from, to, rows);
        List<Segment> parts = new ArrayList<>(segments.size());
        int start = 0;
        for (Segment segment : segments) {
            int first = Math.max(from - start, 0);
            int last = Math.min(to - start, segment.rows());
            if (first < last) {
                parts.add(segment.rowRange(first, last, columns));
            }
            start += segment.rows();
        }
        if (parts.isEmpty()) {
            parts.add(segments.getFirst().rowRange(0, 0, columns));
        }
        return new CudaTensor(storage, dtype, to - from, columns, List.copyOf(parts));
    }

    @Override
    public CudaTensor columnRange(int from, int to) {
        storage.check();
        Objects.checkFromToIndex(from, to, columns);
        List<Segment> parts = new ArrayList<>(segments.size());
        for (Segment segment : segments) {
            if (segment.dtype().isQuantized()) {
                throw new UnsupportedOperationException("block types have no column views: " + segment.dtype());
            }
            long address = segment.address() + (long) from * segment.dtype().blockBytes();
            parts.add(new Segment(segment.dtype(), segment.rows(), address, 0, segment.stride()));
        }
        return new CudaTensor(storage, dtype, rows, to - from, List.copyOf(parts));
    }

    @Override
    public String toString() {
        return rows + " x " + columns + " " + dtype;
    }
}
