package dev.lte.core.source;

import dev.lte.backend.WeightData;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Copies of weights that a file holds as (input features, output features), the other way round. */
final class Transposer {
    /** Rows and columns moved together, so that both sides stay in the cache. */
    private static final int TILE = 64;

    private Transposer() {}

    /** @param weight of a type without blocks */
    static WeightData transposed(WeightData weight, Arena arena) {
        int rows = weight.rows();
        int columns = weight.columns();
        MemorySegment from = weight.bytes();
        MemorySegment to = arena.allocate(from.byteSize(), 64);
        boolean wide = weight.dtype().blockBytes() == 4;
        for (int rowTile = 0; rowTile < rows; rowTile += TILE) {
            for (int columnTile = 0; columnTile < columns; columnTile += TILE) {
                int rowEnd = Math.min(rows, rowTile + TILE);
                int columnEnd = Math.min(columns, columnTile + TILE);
                if (wide) {
                    moveInts(from, to, rows, columns, rowTile, rowEnd, columnTile, columnEnd);
                } else {
                    moveShorts(from, to, rows, columns, rowTile, rowEnd, columnTile, columnEnd);
                }
            }
        }
        return new WeightData(weight.name(), weight.dtype(), columns, rows, to.asReadOnly());
    }

    private static void moveInts(
            MemorySegment from,
            MemorySegment to,
            long rows,
            long columns,
            int row,
            int rowEnd,
            int column,
            int columnEnd) {
        for (long r = row; r < rowEnd; r++) {
            for (long c = column; c < columnEnd; c++) {
                int value = from.get(ValueLayout.JAVA_INT_UNALIGNED, (r * columns + c) * 4);
                to.set(ValueLayout.JAVA_INT_UNALIGNED, (c * rows + r) * 4, value);
            }
        }
    }

    private static void moveShorts(
            MemorySegment from,
            MemorySegment to,
            long rows,
            long columns,
            int row,
            int rowEnd,
            int column,
            int columnEnd) {
        for (long r = row; r < rowEnd; r++) {
            for (long c = column; c < columnEnd; c++) {
                short value = from.get(ValueLayout.JAVA_SHORT_UNALIGNED, (r * columns + c) * 2);
                to.set(ValueLayout.JAVA_SHORT_UNALIGNED, (c * rows + r) * 2, value);
            }
        }
    }
}
