package dev.lte.core.format;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** The bytes of a tensor that is being written, made when they are wanted, in pieces of any size. */
@FunctionalInterface
public interface TensorBody {
    /** Writes exactly as many bytes as the tensor's type and shape say. */
    void writeTo(TensorSink sink) throws IOException;

    /** Bytes that lie in memory or in a mapped file. */
    static TensorBody of(MemorySegment bytes) {
        return sink -> sink.write(bytes);
    }
}
