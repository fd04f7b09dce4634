package dev.lte.core.reference;

import dev.lte.core.quant.CacheBlocks;

/** Q8_0 elements of a cache. Rows are read and written whole. */
final class BlockStorage extends ReferenceStorage {
    private final int rowBytes;
    private volatile byte[] bytes;

    /** @param bytes {@link CacheBlocks#bytes} for each row */
    BlockStorage(ReferenceBackend backend, int columns, byte[] bytes) {
        super(backend, columns);
        rowBytes = CacheBlocks.bytes(columns);
        this.bytes = bytes;
    }

    private byte[] bytes() {
        byte[] current = bytes;
        check();
        return current;
    }

    @Override
    void drop() {
        bytes = new byte[0];
    }

    @Override
    void read(int row, int column, int count, float[] out, int outStart) {
        CacheBlocks.decode(bytes(), row * rowBytes, out, outStart, count);
    }

    @Override
    void write(int row, int column, int count, float[] values, int start) {
        CacheBlocks.encode(values, start, count, bytes(), row * rowBytes);
    }
}
