package dev.lte.cpu;

import java.lang.foreign.Arena;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The lifetime that a tensor shares with its views. Heap memory stays until it is collected, so a kernel that races with
 * {@link #free} is harmless; native memory goes with its shared arena, after which access throws
 * {@link IllegalStateException}.
 */
final class Storage {
    private final CpuBackend backend;
    private final @Nullable Arena arena;
    private final List<PackedItems> packed;
    private volatile boolean freed;

    /** @param arena of the native memory, or null if all is on the heap */
    Storage(CpuBackend backend, @Nullable Arena arena) {
        this(backend, arena, List.of());
    }

    /** @param packed what lies in the arena, or will */
    Storage(CpuBackend backend, @Nullable Arena arena, List<PackedItems> packed) {
        this.backend = backend;
        this.arena = arena;
        this.packed = packed;
    }

    CpuBackend backend() {
        return backend;
    }

    /** @throws IllegalStateException if the memory has been freed */
    void check() {
        if (freed) {
            throw new IllegalStateException("the tensor has been freed");
        }
    }

    synchronized void free() {
        if (!freed) {
            freed = true;
            packed.forEach(PackedItems::cancel);
            if (arena != null) {
                arena.close();
            }
        }
    }
}
