package dev.lte.cpu;

import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Native memory that the system gives in pages of 2 MiB where it can, and only when it is first touched. {@link Arena#allocate}
 * zeroes its memory with one thread, 4 KiB at a time; in a virtual machine these page faults take longer than packing the
 * weights does. Large pages also spare the address translation of every second line that a product reads.
 *
 * <p>There on Linux if this module may call native functions ({@code --enable-native-access}); without, callers use arenas.
 */
final class LargePages {
    private static final System.Logger LOG = System.getLogger(LargePages.class.getName());

    /** Below, the part of a mapping that no large page covers would be most of it. */
    static final long LEAST_BYTES = 2 << 20;

    private static final long LARGE_PAGE = 2 << 20;
    private static final long SMALL_PAGE = 64 << 10; // the largest that Linux is built with

    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    private static final int MADV_HUGEPAGE = 14;

    private final MethodHandle map;
    private final MethodHandle unmap;
    private final MethodHandle advise;

    private LargePages(MethodHandle map, MethodHandle unmap, MethodHandle advise) {
        this.map = map;
        this.unmap = unmap;
        this.advise = advise;
    }

    /** Null where they cannot be had. */
    static @Nullable LargePages find() {
        String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        if (!system.contains("linux") || !LargePages.class.getModule().isNativeAccessEnabled()) {
            return null;
        }
        Linker linker = Linker.nativeLinker();
        Optional<MethodHandle> map = handle(
                linker,
                "mmap",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));
        Optional<MethodHandle> unmap = handle(
                linker,
                "munmap",
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        Optional<MethodHandle> advise = handle(
                linker,
                "madvise",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
        return map.isEmpty() || unmap.isEmpty() || advise.isEmpty()
                ? null
                : new LargePages(map.get(), unmap.get(), advise.get());
    }

    @SuppressWarnings("restricted")
    private static Optional<MethodHandle> handle(Linker linker, String name, FunctionDescriptor descriptor) {
        SymbolLookup lookup = linker.defaultLookup();
        return lookup.find(name).map(address -> linker.downcallHandle(address, descriptor));
    }

    /**
     * Zeroed memory that begins with a large page and is given back when the arena closes.
     *
     * @param bytes above 0
     * @throws OutOfMemoryError if the system has none
     */
    @SuppressWarnings("restricted")
    MemorySegment allocate(Arena arena, long bytes) {
        long size = roundUp(bytes, SMALL_PAGE);
        long reserved = Math.addExact(size, LARGE_PAGE);
        long base = map(reserved);
        long start = roundUp(base, LARGE_PAGE);
        if (start > base) {
            unmap(base, start - base);
        }
        long end = base + reserved;
        if (end > start + size) {
            unmap(start + size, end - start - size);
        }
        advise(start, size);
        return MemorySegment.ofAddress(start).reinterpret(size, arena, segment -> unmap(segment.address(), size));
    }

    private static long roundUp(long value, long multiple) {
        return Math.ceilDiv(value, multiple) * multiple;
    }

    private long map(long bytes) {
        try {
            long address = (long) map.invokeExact(0L, bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
            if (address == -1) {
                throw new OutOfMemoryError("mmap of " + bytes + " bytes failed");
            }
            return address;
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("mmap could not be called", e);
        }
    }

    private void unmap(long address, long bytes) {
        try {
            int result = (int) unmap.invokeExact(address, bytes);
            if (result != 0) {
                LOG.log(Level.WARNING, "munmap of {0} bytes failed; they stay taken until the process ends", bytes);
            }
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("munmap could not be called", e);
        }
    }

    /** A kernel without large pages refuses, and its small ones serve as well. */
    private void advise(long address, long bytes) {
        try {
            int result = (int) advise.invokeExact(address, bytes, MADV_HUGEPAGE);
            if (result != 0) {
                LOG.log(Level.DEBUG, "this system has no large pages to give");
            }
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("madvise could not be called", e);
        }
    }
}
