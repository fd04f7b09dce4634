package dev.lte.core.format;

import dev.lte.Progress;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.function.Consumer;

/** Writes the bytes of tensors to a file and counts them. */
public final class ChannelSink implements TensorSink {
    /** Heap memory is copied piece by piece: the channel would copy it as a whole. */
    private static final int PIECE = 1 << 20;

    private final FileChannel channel;
    private final Consumer<Progress> progress;
    private final String what;
    private final long total;
    private long written;

    /**
     * @param total bytes of all tensors, for progress
     */
    public ChannelSink(FileChannel channel, String what, long total, Consumer<Progress> progress) {
        this.channel = channel;
        this.what = what;
        this.total = total;
        this.progress = progress;
    }

    @Override
    public void write(MemorySegment bytes) throws IOException {
        for (long at = 0; at < bytes.byteSize(); at += PIECE) {
            ByteBuffer piece = bytes.asSlice(at, Math.min(PIECE, bytes.byteSize() - at)).asByteBuffer();
            while (piece.hasRemaining()) {
                written += channel.write(piece);
            }
            progress.accept(new Progress(what, Math.min(written, total), total));
        }
    }

    /** Writes one tensor and makes sure that it has as many bytes as announced. */
    public void writeTensor(String name, long bytes, TensorBody body) throws IOException {
        long before = written;
        body.writeTo(this);
        if (written - before != bytes) {
            throw new EOFException(name + ": expected " + bytes + " bytes, found " + (written - before));
        }
    }

    /** Zeros up to the next multiple of {@code alignment} in the file. */
    public void pad(long alignment) throws IOException {
        long position = channel.position();
        ByteBuffer zeros = ByteBuffer.allocate((int) (Math.ceilDiv(position, alignment) * alignment - position));
        while (zeros.hasRemaining()) {
            channel.write(zeros);
        }
    }
}
