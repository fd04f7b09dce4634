package dev.lte.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Packs tiles out of a weight's rows. Used by one thread. */
final class TilePacker {
    private final RowReader reader;
    private final TileFormat format;
    private final int rows;
    private final int columns;
    private final byte[] rowBytes;
    private final byte[] packed;

    /**
     * @param rows of the weight; tiles that reach beyond are filled with zeros
     * @param k columns of a tile
     */
    TilePacker(RowReader reader, TileFormat format, int rows, int k) {
        this.reader = reader;
        this.format = format;
        this.rows = rows;
        this.columns = k;
        this.rowBytes = new byte[Math.multiplyExact(TileFormat.ROWS, format.rowBytes(k))];
        this.packed = new byte[Math.toIntExact(format.tileBytes(k))];
    }

    /**
     * Packs rows {@code firstRow} to {@code firstRow + 16}, columns {@code from} to {@code from + count}, the rest of the
     * tile's columns being zeros, as tile number {@code tile} of a matrix of {@code allTiles} at byte {@code outStart}.
     */
    void pack(int firstRow, int from, int count, MemorySegment out, long outStart, int allTiles, int tile) {
        pack(firstRow, rows, from, count, out, outStart, allTiles, tile);
    }

    /** As above, but only rows below {@code endRow} are taken. */
    void pack(int firstRow, int endRow, int from, int count, MemorySegment out, long outStart, int allTiles, int tile) {
        int size = rowBytes.length / TileFormat.ROWS;
        int k = columns;
        boolean whole = firstRow + TileFormat.ROWS <= endRow
                && reader.readWhole(firstRow, TileFormat.ROWS, from, count, k, rowBytes);
        for (int r = 0; r < TileFormat.ROWS && !whole; r++) {
            if (firstRow + r < endRow) {
                reader.read(firstRow + r, from, count, k, rowBytes, r * size);
            } else {
                Arrays.fill(rowBytes, r * size, (r + 1) * size, (byte) 0);
            }
        }
        format.pack(rowBytes, k, packed);
        format.store(packed, out, outStart, allTiles, tile, k);
    }
}
