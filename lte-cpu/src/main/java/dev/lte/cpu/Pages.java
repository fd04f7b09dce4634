package dev.lte.cpu;

import dev.lte.backend.RowBatch;

/**
 * Where the positions of a batch's sequences are in the cache. Integers that lead outside the page table or the cache are
 * skipped, as the contract wants no access outside tensors whatever they hold. Refilled for every operation.
 */
final class Pages {
    private int[] positions = {};
    private int positionsStart;
    private int positionsStride;
    private int[] sequences = {};
    private int sequencesStart;
    private int sequencesStride;
    private int[] table = {};
    private int tableStart;
    private int tableStride;
    private int tableRows;
    private long capacity;
    private int pageSize;
    private int cacheRows;

    void set(RowBatch batch, int cacheRows) {
        CpuTensor position = (CpuTensor) batch.positions();
        CpuTensor sequence = (CpuTensor) batch.sequences();
        CpuTensor pages = (CpuTensor) batch.pageTable();
        positions = position.ints();
        positionsStart = position.rowStart(0);
        positionsStride = position.stride();
        sequences = sequence.ints();
        sequencesStart = sequence.rowStart(0);
        sequencesStride = sequence.stride();
        table = pages.ints();
        tableStart = pages.rowStart(0);
        tableStride = pages.stride();
        tableRows = pages.rows();
        pageSize = batch.pageSize();
        capacity = (long) pages.columns() * pageSize;
        this.cacheRows = cacheRows;
    }

    /** Position of row t; negative for padding. */
    int position(int t) {
        return positions[positionsStart + t * positionsStride];
    }

    int sequence(int t) {
        return sequences[sequencesStart + t * sequencesStride];
    }

    /** The end of the positions up to {@code position} that the page table has room for. */
    int end(int position) {
        return (int) Math.min(position + 1L, capacity);
    }

    /** The cache row of a position, -1 if there is none. */
    int row(int sequence, int position) {
        if (sequence < 0 || sequence >= tableRows || position < 0 || position >= capacity) {
            return -1;
        }
        long row = (long) table[tableStart + sequence * tableStride + position / pageSize] * pageSize
                + position % pageSize;
        return row < 0 || row >= cacheRows ? -1 : (int) row;
    }
}
