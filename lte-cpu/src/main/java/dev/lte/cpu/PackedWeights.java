package dev.lte.cpu;

import dev.lte.backend.WeightCache;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Packed weights of one model that are kept in files, one for each call that packs. A file is a header of 16 KiB, then the bytes as
 * kernels want them, which are mapped. It is written beside its place and moved there, so that no reader sees half of it.
 *
 * <p>Header: {@value #MAGIC}, an int {@value #LAYOUT}, the length of the bytes, the length of a description, CRC-32C of the
 * description, the number of runs and the CRC-32C of each, and the description, which names model, version and weights. A file
 * that differs in anything from what is wanted is replaced.
 */
final class PackedWeights {
    /** Raised whenever any format packs differently. */
    static final int LAYOUT = 2;

    private static final System.Logger LOG = System.getLogger(PackedWeights.class.getName());
    private static final String SUFFIX = ".packed";
    private static final long MAGIC = 0x4c54455041434b31L; // LTEPACK1
    private static final int HEADER_BYTES = 1 << 14;
    private static final int FIXED_BYTES = 8 + 4 + 8 + 4 + 4 + 4;
    /** Vectors may be read beyond the end. */
    private static final int PADDING = 64;

    private static final long LEAST_RUN = 8 << 20;
    private static final int MOST_RUNS = 512;

    private final Path folder;
    private final String model;
    private final String version;
    private final WorkerPool pool;

    PackedWeights(WeightCache cache, WorkerPool pool) {
        this.folder = cache.folder();
        this.model = cache.model();
        this.version = cache.version();
        this.pool = pool;
    }

    /** The bytes that were kept, mapped until the arena closes, or null if there are none that fit. */
    @Nullable
    MemorySegment find(Arena arena, PackedKey key, long bytes) {
        Path file = file(key);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            if (channel.size() != HEADER_BYTES + bytes + PADDING) {
                return refused(file, "its size is " + channel.size());
            }
            byte[] header = new byte[HEADER_BYTES];
            ByteBuffer buffer = ByteBuffer.wrap(header);
            while (buffer.hasRemaining() && channel.read(buffer) >= 0) {
                // Most often once.
            }
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, HEADER_BYTES, bytes + PADDING, arena)
                    .asSlice(0, bytes);
            byte[] wanted = header(key, bytes, stored(header));
            if (!Arrays.equals(header, wanted)) {
                return refused(
                        file, "it was made of another version of the model or by another version of this library");
            }
            return Arrays.equals(sums(mapped), stored(header)) ? mapped : refused(file, "its bytes have changed");
        } catch (NoSuchFileException e) {
            return null;
        } catch (IOException e) {
            return refused(file, e.toString());
        }
    }

    private static @Nullable MemorySegment refused(Path file, String reason) {
        LOG.log(Level.INFO, "{0} is not used and made anew: {1}", file, reason);
        return null;
    }

    /** Keeps bytes for the next run. A folder that takes none is a warning: the model runs as well. */
    void keep(PackedKey key, MemorySegment packed) {
        Path file = file(key);
        Path unfinished = null;
        try {
            byte[] header = header(key, packed.byteSize(), sums(packed));
            unfinished = Files.createTempFile(folder, "unfinished", SUFFIX);
            try (FileChannel channel = FileChannel.open(unfinished, StandardOpenOption.WRITE)) {
                write(channel, ByteBuffer.wrap(header));
                for (long start = 0; start < packed.byteSize(); start += LEAST_RUN) {
                    write(
                            channel,
                            packed.asSlice(start, Math.min(LEAST_RUN, packed.byteSize() - start))
                                    .asByteBuffer());
                }
                write(channel, ByteBuffer.allocate(PADDING));
            }
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            LOG.log(Level.WARNING, "packed weights could not be kept in " + folder + ", the next load packs again", e);
            delete(unfinished);
        }
    }

    private static void delete(@Nullable Path unfinished) {
        try {
            if (unfinished != null) {
                Files.deleteIfExists(unfinished);
            }
        } catch (IOException e) {
            LOG.log(Level.WARNING, unfinished + " is left over", e);
        }
    }

    private static void write(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** One file for each weight of a model, whatever its version, so that old ones are replaced. */
    private Path file(PackedKey key) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] name = digest.digest((model + "\n" + key.text()).getBytes(StandardCharsets.UTF_8));
            return folder.resolve(HexFormat.of().formatHex(name, 0, 16) + SUFFIX);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private byte[] header(PackedKey key, long bytes, int[] sums) {
        String text = model + "\n" + key.text() + "\n" + version;
        byte[] description = text.getBytes(StandardCharsets.UTF_8);
        CRC32C sum = new CRC32C();
        sum.update(description);
        ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(MAGIC)
                .putInt(LAYOUT)
                .putLong(bytes)
                .putInt(description.length)
                .putInt((int) sum.getValue());
        header.putInt(sums.length);
        for (int value : sums) {
            header.putInt(value);
        }
        // A directory of thousands of files has a longer one; its checksum tells it apart all the same.
        header.put(description, 0, Math.min(description.length, header.remaining()));
        return header.array();
    }

    /** The sums in a header, which may hold anything. */
    private static int[] stored(byte[] header) {
        ByteBuffer buffer = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
        int count = buffer.getInt(FIXED_BYTES - 4);
        int[] sums = new int[Math.clamp(count, 0, MOST_RUNS)];
        for (int i = 0; i < sums.length; i++) {
            sums[i] = buffer.getInt(FIXED_BYTES + 4 * i);
        }
        return sums;
    }

    private int[] sums(MemorySegment bytes) {
        long run = Math.max(LEAST_RUN, Math.ceilDiv(bytes.byteSize(), MOST_RUNS));
        int runs = Math.toIntExact(Math.ceilDiv(bytes.byteSize(), run));
        int[] sums = new int[runs];
        pool.run(
                (item, worker) -> {
                    long start = item * run;
                    CRC32C sum = new CRC32C();
                    sum.update(bytes.asSlice(start, Math.min(run, bytes.byteSize() - start))
                            .asByteBuffer());
                    sums[item] = (int) sum.getValue();
                },
                runs);
        return sums;
    }
}
