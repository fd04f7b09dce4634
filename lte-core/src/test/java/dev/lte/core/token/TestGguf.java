package dev.lte.core.token;

import dev.lte.core.format.gguf.GgufMetadata;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The key-value section of a trusted GGUF file, so that these tests do not depend on the reader under test elsewhere.
 */
final class TestGguf {
    private final ByteBuffer bytes;

    private TestGguf(ByteBuffer bytes) {
        this.bytes = bytes;
    }

    static GgufMetadata read(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        bytes.position(16);
        long count = bytes.getLong();
        TestGguf reader = new TestGguf(bytes);
        Map<String, Object> values = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            values.put(reader.string(), reader.value(bytes.getInt()));
        }
        return new GgufMetadata(file, values);
    }

    /** What reading the pairs back from a GGUF file gives. */
    static GgufMetadata of(Map<String, Object> pairs) {
        Map<String, Object> values = new LinkedHashMap<>(pairs);
        values.replaceAll((key, value) -> {
            if (value instanceof int[] ints) {
                long[] longs = new long[ints.length];
                for (int i = 0; i < ints.length; i++) {
                    longs[i] = ints[i];
                }
                return longs;
            }
            return value;
        });
        return new GgufMetadata(Path.of("converted.gguf"), values);
    }

    private String string() {
        byte[] text = new byte[(int) bytes.getLong()];
        bytes.get(text);
        return new String(text, StandardCharsets.UTF_8);
    }

    private Object value(int type) {
        return switch (type) {
            case 0, 1 -> (long) bytes.get();
            case 2, 3 -> (long) bytes.getShort();
            case 4, 5 -> (long) bytes.getInt();
            case 6 -> (double) bytes.getFloat();
            case 7 -> bytes.get() != 0;
            case 8 -> string();
            case 9 -> array(bytes.getInt(), (int) bytes.getLong());
            case 10, 11 -> bytes.getLong();
            case 12 -> bytes.getDouble();
            default -> throw new IllegalArgumentException("type " + type);
        };
    }

    private Object array(int type, int length) {
        if (type == 8) {
            String[] strings = new String[length];
            for (int i = 0; i < length; i++) {
                strings[i] = string();
            }
            return strings;
        } else if (type == 6) {
            float[] floats = new float[length];
            for (int i = 0; i < length; i++) {
                floats[i] = bytes.getFloat();
            }
            return floats;
        }
        long[] longs = new long[length];
        for (int i = 0; i < length; i++) {
            longs[i] = (Long) value(type);
        }
        return longs;
    }
}
