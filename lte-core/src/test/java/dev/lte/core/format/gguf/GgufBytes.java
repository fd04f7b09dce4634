package dev.lte.core.format.gguf;

import dev.lte.core.format.MappedFile;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** GGUF files byte by byte, right or wrong. */
final class GgufBytes {
    static final Path FILE = Path.of("test.gguf");

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    static GgufBytes header(int version, long tensors, long pairs) {
        return new GgufBytes()
                .raw("GGUF".getBytes(StandardCharsets.US_ASCII))
                .int32(version)
                .int64(tensors)
                .int64(pairs);
    }

    GgufBytes raw(byte... bytes) {
        out.writeBytes(bytes);
        return this;
    }

    GgufBytes int16(int value) {
        return raw((byte) value, (byte) (value >> 8));
    }

    GgufBytes int32(int value) {
        return int16(value).int16(value >> 16);
    }

    GgufBytes int64(long value) {
        return int32((int) value).int32((int) (value >> 32));
    }

    GgufBytes string(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return int64(bytes.length).raw(bytes);
    }

    /** The beginning of a pair; the value follows. */
    GgufBytes key(String key, GgufValueType type) {
        return string(key).int32(type.ordinal());
    }

    /** The beginning of a pair with an array; its elements follow. */
    GgufBytes array(String key, GgufValueType type, long length) {
        return key(key, GgufValueType.ARRAY).int32(type.ordinal()).int64(length);
    }

    /** @param shape innermost dimension first */
    GgufBytes tensor(String name, int type, long offset, long... shape) {
        string(name).int32(shape.length);
        for (long length : shape) {
            int64(length);
        }
        return int32(type).int64(offset);
    }

    /** Padding to the next multiple of 32. */
    GgufBytes align() {
        return zeros(-out.size() & 31);
    }

    GgufBytes zeros(int count) {
        return raw(new byte[count]);
    }

    byte[] bytes() {
        return out.toByteArray();
    }

    GgufFile open() {
        return open(bytes());
    }

    static GgufFile open(byte[] bytes) {
        return GgufFile.of(MappedFile.of(FILE, MemorySegment.ofArray(bytes)));
    }

    static byte[] floats(float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return bytes.array();
    }
}
