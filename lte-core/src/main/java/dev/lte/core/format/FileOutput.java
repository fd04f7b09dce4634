package dev.lte.core.format;

import dev.lte.Progress;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * A file that is written from its first byte to its last, beside its target, and takes the target's place when it is complete
 * and on the disk: nobody sees half a file, and a failure leaves what was there before. Belongs to one thread.
 */
public final class FileOutput implements AutoCloseable {
    private static final int BUFFER = 1 << 18;

    /** Bytes between two reports of progress. */
    private static final int STEP = 1 << 24;

    private final Path target;
    private final Path temporary;
    private final FileChannel channel;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment buffer = arena.allocate(BUFFER);
    private final Consumer<Progress> progress;
    private final long tensorBytes;
    private final CRC32C checksum = new CRC32C();
    private int buffered;
    private long flushed;
    private long tensorBytesDone;
    private boolean complete;

    private FileOutput(
            Path target, Path temporary, FileChannel channel, long tensorBytes, Consumer<Progress> progress) {
        this.target = target;
        this.temporary = temporary;
        this.channel = channel;
        this.tensorBytes = tensorBytes;
        this.progress = progress;
    }

    /**
     * @param tensorBytes the bytes of all tensors to come, for reports of progress
     * @param progress told of the bytes of tensors written; what it throws ends the writing
     */
    public static FileOutput create(Path target, long tensorBytes, Consumer<Progress> progress) throws IOException {
        Path temporary = target.resolveSibling(target.getFileName() + "." + UUID.randomUUID() + ".part");
        FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
        return new FileOutput(target, temporary, channel, tensorBytes, progress);
    }

    public long position() {
        return flushed + buffered;
    }

    /** The CRC-32C of all bytes written so far. */
    public int checksum() {
        return (int) checksum.getValue();
    }

    public void write(byte[] bytes) throws IOException {
        write(MemorySegment.ofArray(bytes));
    }

    public void write(MemorySegment bytes) throws IOException {
        Checksums.add(checksum, bytes);
        if (bytes.byteSize() >= BUFFER && bytes.isNative()) {
            flush();
            for (long at = 0; at < bytes.byteSize(); at += STEP) {
                writeFully(bytes.asSlice(at, Math.min(STEP, bytes.byteSize() - at)));
            }
            return;
        }
        for (long at = 0; at < bytes.byteSize(); ) {
            int now = (int) Math.min(BUFFER - buffered, bytes.byteSize() - at);
            MemorySegment.copy(bytes, at, buffer, buffered, now);
            buffered += now;
            at += now;
            if (buffered == BUFFER) {
                flush();
            }
        }
    }

    private void flush() throws IOException {
        writeFully(buffer.asSlice(0, buffered));
        buffered = 0;
    }

    private void writeFully(MemorySegment bytes) throws IOException {
        ByteBuffer remaining = bytes.asByteBuffer();
        while (remaining.hasRemaining()) {
            flushed += channel.write(remaining);
        }
    }

    /** Zeros up to the next multiple of {@code alignment}. */
    public void align(int alignment) throws IOException {
        write(new byte[(int) ((alignment - position() % alignment) % alignment)]);
    }

    /**
     * Writes a tensor and reports it.
     *
     * @param bytes the size that follows from its type and shape
     * @throws IllegalStateException if {@code body} writes more or less
     */
    public void tensor(String name, long bytes, TensorBody body) throws IOException {
        long begin = position();
        body.writeTo(part -> {
            for (long at = 0; at < part.byteSize(); at += STEP) {
                long now = Math.min(STEP, part.byteSize() - at);
                if (position() - begin + now > bytes) {
                    throw wrongCount(name, bytes, "more");
                }
                long before = position() - begin;
                write(part.asSlice(at, now));
                if ((before + now) / STEP > before / STEP && before + now < bytes) {
                    report(name, before + now);
                }
            }
        });
        if (position() - begin != bytes) {
            throw wrongCount(name, bytes, Long.toString(position() - begin));
        }
        tensorBytesDone += bytes;
        report(name, 0);
    }

    private IllegalStateException wrongCount(String name, long expected, String found) {
        return new IllegalStateException(
                target + ": tensor " + name + ": expected a body of " + expected + " bytes, found " + found);
    }

    private void report(String name, long more) {
        progress.accept(new Progress(name, tensorBytesDone + more, tensorBytes));
    }

    /** Puts the file in the target's place. */
    public void commit() throws IOException {
        flush();
        channel.force(true);
        channel.close();
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        complete = true;
    }

    /** Deletes what was written unless it was committed. */
    @Override
    public void close() throws IOException {
        arena.close();
        channel.close();
        if (!complete) {
            Files.deleteIfExists(temporary);
        }
    }
}
