package dev.lte.core.source;

import dev.lte.UnsupportedModelException;
import dev.lte.core.format.gguf.GgufMetadata;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Metadata of one architecture: keys stand behind its name, numbers are checked against what models can have. */
record GgufValues(Path file, GgufMetadata metadata, String architecture) {
    String key(String key) {
        return architecture + "." + key;
    }

    boolean has(String key) {
        return metadata.contains(key(key));
    }

    /** A count that must be there. */
    int count(String key, int largest) {
        return Limits.check(file, key(key), metadata.integer(key(key)), largest);
    }

    int count(String key, int fallback, int largest) {
        return Limits.check(file, key(key), metadata.integer(key(key), fallback), largest);
    }

    /** A count that may stand once for each layer, but must then be the same for all. */
    int uniform(String key, int fallback, int largest) {
        Object value = metadata.values().get(key(key));
        if (!(value instanceof long[] list) || list.length == 0) {
            return fallback == 0 ? count(key, largest) : count(key, fallback, largest);
        }
        for (long each : list) {
            if (each != list[0]) {
                throw unsupported(key, each + " after " + list[0], "the same for every layer");
            }
        }
        return Limits.check(file, key(key), list[0], largest);
    }

    double positive(String key, double fallback) {
        return Limits.positive(file, key(key), metadata.real(key(key), fallback));
    }

    double positive(String key) {
        return Limits.positive(file, key(key), metadata.real(key(key)));
    }

    @Nullable
    String text(String key) {
        return metadata.stringOrNull(key(key));
    }

    /** For a value that is sound but not implemented. */
    UnsupportedModelException unsupported(String key, String value, String known) {
        return Limits.unsupported(file, key(key), value, known);
    }
}
