package dev.lte.core.format;

import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/** CRC-32C of memory, which processors compute faster than disks read. */
public final class Checksums {
    private static final long MOST = 1 << 30;

    private Checksums() {}

    /** Of all the bytes. */
    public static int crc32c(MemorySegment bytes) {
        CRC32C sum = new CRC32C();
        add(sum, bytes);
        return (int) sum.getValue();
    }

    /** Bytes that follow those that were added before. */
    static void add(CRC32C sum, MemorySegment bytes) {
        for (long at = 0; at < bytes.byteSize(); at += MOST) {
            sum.update(bytes.asSlice(at, Math.min(MOST, bytes.byteSize() - at)).asByteBuffer());
        }
    }
}
