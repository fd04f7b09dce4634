package dev.lte.core.format;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** Where the bytes of a tensor go, in order. */
public interface TensorSink {
    /** Writes all of the bytes, which may be reused afterwards. Native memory saves a copy. */
    void write(MemorySegment bytes) throws IOException;
}
