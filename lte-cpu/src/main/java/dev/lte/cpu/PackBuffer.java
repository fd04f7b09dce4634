package dev.lte.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Items of weights that are not packed yet, packed for one use. The buffer of one thread; empty until it is needed. */
final class PackBuffer {
    private static final int ALIGNMENT = 64;

    private MemorySegment buffer = MemorySegment.NULL;
    private @Nullable PackedItems items;
    private PackedItems.@Nullable Packer packer;

    /** Items {@code first} to {@code first + count}, from the first byte of the result on, which the next call overwrites. */
    MemorySegment pack(PackedItems from, int first, int count) {
        long size =
                Math.multiplyExact(from.itemBytes(), (long) count) + ALIGNMENT; // vectors may be read beyond the end
        if (buffer.byteSize() < size) {
            buffer = Arena.ofAuto().allocate(size, ALIGNMENT);
        }
        PackedItems.Packer current = packer;
        if (current == null || items != from) {
            current = from.packer();
            packer = current;
            items = from;
        }
        for (int i = 0; i < count; i++) {
            current.pack(first + i, buffer, i * from.itemBytes());
        }
        return buffer;
    }

    /** Lets go of what is not needed once all is packed. */
    void release() {
        if (items != null) {
            items = null;
            packer = null;
            buffer = MemorySegment.NULL;
        }
    }
}
