package dev.lte.core.cache;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import dev.lte.core.arch.ModelConfig;

/** The key and value tensors of every layer, (pages x pageSize, K x E) each. Freed with its backend. */
public final class KeyValueCache {
    /** Positions in one page: few are wasted at the end of a sequence, and a page is still a long run of memory. */
    public static final int PAGE_SIZE = 32;

    private final Tensor[] keys;
    private final Tensor[] values;
    private final int pages;

    /** @param dtype one that the backend supports as a cache */
    public KeyValueCache(Backend backend, ModelConfig config, DType dtype, int pages) {
        int layers = config.layers().size();
        int columns = config.keyValueHeads() * config.headSize();
        this.pages = pages;
        keys = new Tensor[layers];
        values = new Tensor[layers];
        for (int layer = 0; layer < layers; layer++) {
            keys[layer] = backend.allocate(dtype, pages * PAGE_SIZE, columns);
            values[layer] = backend.allocate(dtype, pages * PAGE_SIZE, columns);
        }
    }

    /** Bytes that one page takes in all layers together. */
    public static long pageBytes(ModelConfig config, DType dtype) {
        long row = dtype.byteSize((long) config.keyValueHeads() * config.headSize());
        return 2L * config.layers().size() * PAGE_SIZE * row;
    }

    /** Pages that hold {@code positions}. */
    public static int pagesFor(int positions) {
        return Math.ceilDiv(positions, PAGE_SIZE);
    }

    public int pages() {
        return pages;
    }

    public Tensor keys(int layer) {
        return keys[layer];
    }

    public Tensor values(int layer) {
        return values[layer];
    }
}
