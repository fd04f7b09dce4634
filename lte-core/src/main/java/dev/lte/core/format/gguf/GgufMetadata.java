package dev.lte.core.format.gguf;

import dev.lte.ModelFormatException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The key-value section of a GGUF file. Values are {@link Boolean}, {@link Long} (every integer type), {@link Double} (both
 * float types), {@link String}, or arrays {@code boolean[]}, {@code long[]}, {@code float[]}, {@code double[]},
 * {@code String[]}. Immutable.
 */
public final class GgufMetadata {
    private final Path file;
    private final Map<String, Object> values;

    public GgufMetadata(Path file, Map<String, Object> values) {
        this.file = file;
        this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /** All pairs in file order. */
    public Map<String, Object> values() {
        return values;
    }

    public boolean contains(String key) {
        return values.containsKey(key);
    }

    /** @throws ModelFormatException if the key is missing or of another type */
    public String string(String key) {
        return require(key, String.class);
    }

    public @Nullable String stringOrNull(String key) {
        return optional(key, String.class);
    }

    /** @throws ModelFormatException if the key is missing, of another type, or outside an int */
    public int integer(String key) {
        return toInt(key, require(key, Long.class));
    }

    public int integer(String key, int fallback) {
        Long value = optional(key, Long.class);
        return value == null ? fallback : toInt(key, value);
    }

    /** @throws ModelFormatException if the key is missing or of another type */
    public double real(String key) {
        return require(key, Double.class);
    }

    public double real(String key, double fallback) {
        Double value = optional(key, Double.class);
        return value == null ? fallback : value;
    }

    public boolean flag(String key, boolean fallback) {
        Boolean value = optional(key, Boolean.class);
        return value == null ? fallback : value;
    }

    /** @throws ModelFormatException if the key is missing or of another type */
    public String[] strings(String key) {
        return require(key, String[].class);
    }

    public float @Nullable [] floatsOrNull(String key) {
        return optional(key, float[].class);
    }

    public long @Nullable [] integersOrNull(String key) {
        return optional(key, long[].class);
    }

    private int toInt(String key, long value) {
        if (value < Integer.MIN_VALUE || value > Integer.MAX_VALUE) {
            throw new ModelFormatException(
                    file, key, ModelFormatException.NO_OFFSET, "a 32-bit integer", Long.toString(value));
        }
        return (int) value;
    }

    private <T> T require(String key, Class<T> type) {
        T value = optional(key, type);
        if (value == null) {
            throw new ModelFormatException(
                    file,
                    key,
                    ModelFormatException.NO_OFFSET,
                    "a value of type " + type.getSimpleName(),
                    "no such key");
        }
        return value;
    }

    private <T> @Nullable T optional(String key, Class<T> type) {
        Object value = values.get(key);
        if (value == null) {
            return null;
        }
        if (!type.isInstance(value)) {
            throw new ModelFormatException(
                    file,
                    key,
                    ModelFormatException.NO_OFFSET,
                    "a value of type " + type.getSimpleName(),
                    "one of type " + value.getClass().getSimpleName());
        }
        return type.cast(value);
    }
}
