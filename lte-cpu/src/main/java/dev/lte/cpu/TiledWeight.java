package dev.lte.cpu;

import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import dev.lte.backend.WeightData;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * A weight matrix, read-only: parts stacked by rows, each packed into tiles of its own format. Views select rows and, for
 * plain types, columns.
 */
final class TiledWeight implements Tensor {
    /**
     * @param firstRow of the matrix that the part begins with
     * @param rows of the part; its last tile is filled up with zeros
     * @param columns K of the whole part
     */
    record Part(TileFormat format, MemorySegment bytes, int firstRow, int rows, int columns) {
        int tiles() {
            return (rows + TileFormat.ROWS - 1) / TileFormat.ROWS;
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

    /** Packs parts of equal width with all threads of a pool. */
    static TiledWeight pack(CpuBackend backend, WorkerPool pool, List<WeightData> data) {
        int columns = data.getFirst().columns();
        Arena arena = Arena.ofShared();
        try {
            Part[] parts = new Part[data.size()];
            int row = 0;
            for (int i = 0; i < parts.length; i++) {
                parts[i] = pack(backend, pool, arena, data.get(i), row);
                row = Math.addExact(row, parts[i].rows());
            }
            DType dtype = data.getFirst().dtype();
            return new TiledWeight(new Storage(backend, arena), dtype, List.of(parts), 0, row, 0, columns);
        } catch (Throwable t) {
            arena.close();
            throw t;
        }
    }

    private static Part pack(
            CpuBackend backend, WorkerPool pool, Arena arena, WeightData data, int firstRow) {
        TileFormat format = TileFormat.of(data.dtype());
        int columns = data.columns();
        int tiles = (data.rows() + TileFormat.ROWS - 1) / TileFormat.ROWS;
        long tileBytes = format.tileBytes(columns);
        int chunks = Math.min(tiles, 8 * pool.threads());
        long size = Math.multiplyExact(tileBytes, (long) tiles);
        PackedKey key = PackedKey.of("matrix", List.of(data));
        MemorySegment bytes = backend.packed(arena, data.name(), key, size, memory -> pool.run((item, worker) -> {
            TilePacker packer = new TilePacker(new RowReader(data, format), format, data.rows(), columns);
            for (int tile = item * tiles / chunks; tile < (item + 1) * tiles / chunks; tile++) {
                packer.pack(tile * TileFormat.ROWS, 0, columns, memory, 0, tiles, tile);
            }
        }, chunks));
        return new Part(format, bytes, firstRow, data.rows(), columns);
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

    /** Decodes one row of the view. */
    void readRow(int row, float[] out, int outStart) {
        int wanted = firstRow + row;
        for (int i = 0; i < parts().size(); i++) {
            Part part = parts.get(i);
            int r = wanted - part.firstRow();
            if (r >= 0 && r < part.rows()) {
                long start = r / TileFormat.ROWS * part.tileBytes();
                part.format()
                        .decodeRow(
                                part.bytes(), start, part.columns(), r % TileFormat.ROWS, firstColumn, columns, out, outStart);
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
