package dev.lte.cpu;

import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A weight matrix, read-only: parts stacked by rows, each packed into tiles of its own format. Views select rows and, for
 * plain types, columns.
 */
final class TiledWeight implements Tensor {
    /**
     * @param packed its tiles
     * @param firstRow of the matrix that the part begins with
     * @param rows of the part; its last tile is filled up with zeros
     * @param columns K of the whole part
     */
    record Part(TileFormat format, PackedItems packed, int firstRow, int rows, int columns) {
        int tiles() {
            return packed.items();
        }

        long tileBytes() {
            return format.tileBytes(columns);
        }
    }

    private final Storage storage;
    private final DType dtype;
    private final List<Part> parts;
    private final int firstRow;
    private final int rows;
    private final int firstColumn;
    private final int columns;

    private TiledWeight(
            Storage storage, DType dtype, List<Part> parts, int firstRow, int rows, int firstColumn, int columns) {
        this.storage = storage;
        this.dtype = dtype;
        this.parts = parts;
        this.firstRow = firstRow;
        this.rows = rows;
        this.firstColumn = firstColumn;
        this.columns = columns;
    }

    /** Packs parts of equal width. */
    static TiledWeight pack(CpuBackend backend, List<WeightData> data) {
        int columns = data.getFirst().columns();
        @SuppressWarnings("MustBeClosed") // the storage closes it
        Arena arena = Arena.ofShared();
        try {
            Part[] parts = new Part[data.size()];
            int row = 0;
            for (int i = 0; i < parts.length; i++) {
                parts[i] = pack(backend, arena, data.get(i), row);
                row = Math.addExact(row, parts[i].rows());
            }
            DType dtype = data.getFirst().dtype();
            List<PackedItems> packed = Stream.of(parts).map(Part::packed).toList();
            return new TiledWeight(new Storage(backend, arena, packed), dtype, List.of(parts), 0, row, 0, columns);
        } catch (Throwable t) {
            arena.close(); // parts that wait to be packed fail, and nobody has them
            throw t;
        }
    }

    private static Part pack(CpuBackend backend, Arena arena, WeightData data, int firstRow) {
        TileFormat format = TileFormat.of(data.dtype());
        int columns = data.columns();
        int tiles = (data.rows() + TileFormat.ROWS - 1) / TileFormat.ROWS;
        PackedItems packed = backend.packed(arena, "matrix", List.of(data), tiles, format.tileBytes(columns), () -> {
            TilePacker packer = new TilePacker(new RowReader(data, format), format, data.rows(), columns);
            return (tile, to, start) -> packer.pack(tile * TileFormat.ROWS, 0, columns, to, start, tiles, 0);
        });
        return new Part(format, packed, firstRow, data.rows(), columns);
    }

    Storage storage() {
        return storage;
    }

    List<Part> parts() {
        storage.check();
        return parts;
    }

    /** The first row of the stacked parts that belongs to this view. */
    int firstRow() {
        return firstRow;
    }

    /** The first column of the parts that belongs to this view. */
    int firstColumn() {
        return firstColumn;
    }

    /** The type of the first part in its file. */
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

    /**
     * Decodes one row of the view.
     *
     * @param buffer for a part that is not packed yet
     */
    void readRow(int row, float[] out, int outStart, PackBuffer buffer) {
        int wanted = firstRow + row;
        for (int i = 0; i < parts().size(); i++) {
            Part part = parts.get(i);
            int r = wanted - part.firstRow();
            if (r >= 0 && r < part.rows()) {
                int tile = r / TileFormat.ROWS;
                boolean packed = part.packed().isPacked();
                MemorySegment bytes = packed ? part.packed().memory() : buffer.pack(part.packed(), tile, 1);
                long start = packed ? tile * part.tileBytes() : 0;
                part.format()
                        .decodeRow(
                                bytes, start, part.columns(), r % TileFormat.ROWS, firstColumn, columns, out, outStart);
                return;
            }
        }
        throw new IndexOutOfBoundsException(row);
    }

    @Override
    public TiledWeight rowRange(int from, int to) {
        Objects.checkFromToIndex(from, to, rows);
        return new TiledWeight(storage, dtype, parts, firstRow + from, to - from, firstColumn, columns);
    }

    @Override
    public TiledWeight columnRange(int from, int to) {
        Objects.checkFromToIndex(from, to, columns);
        for (Part part : parts) {
            if (part.format().dtype().isQuantized()) {
                throw new UnsupportedOperationException("a weight of type " + dtype + " has no column views");
            }
        }
        return new TiledWeight(storage, dtype, parts, firstRow, rows, firstColumn + from, to - from);
    }

    @Override
    public String toString() {
        return dtype + " " + rows + " x " + columns;
    }
}
