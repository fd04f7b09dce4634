package dev.lte.cuda;

import java.util.ArrayList;
import java.util.List;

/**
 * Device memory that the kernels of one queue share, one after the other. It grows by doubling; what it outgrew is kept until
 * the end, because recordings refer to it.
 */
final class CudaScratch {
    private final CudaMemory memory;
    private final List<Long> all = new ArrayList<>();
    private long address;
    private long size;

    CudaScratch(CudaMemory memory) {
        this.memory = memory;
    }

    /** At least this many bytes, whose contents are undefined. */
    long atLeast(long bytes) {
        if (bytes > size) {
            size = Math.max(bytes, 2 * size);
            address = memory.allocate("scratch memory of a queue", size);
            all.add(address);
        }
        return address;
    }

    /** Nothing may use the memory any more. */
    void free() {
        all.forEach(memory::free);
        all.clear();
        size = 0;
    }
}
