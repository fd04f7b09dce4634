package dev.lte.core.format.safetensors;

import dev.lte.core.format.MappedFile;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Safetensors files by header and data, right or wrong. */
final class SafetensorsBytes {
    private SafetensorsBytes() {}

    /** @param header JSON with ' for " */
    static byte[] of(String header, byte... data) {
        byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        return of(json.length, json, data);
    }

    static byte[] of(long length, byte[] json, byte... data) {
        return ByteBuffer.allocate(8 + json.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .put(json)
                .put(data)
                .array();
    }

    static SafetensorsFile open(byte[] bytes) {
        return SafetensorsFile.of(MappedFile.of(Path.of("test.safetensors"), MemorySegment.ofArray(bytes)));
    }
}
