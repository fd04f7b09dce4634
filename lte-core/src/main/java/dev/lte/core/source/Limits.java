package dev.lte.core.source;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.core.arch.ModelConfig;
import java.nio.file.Path;

/** What no model of our time reaches; values beyond it are damage, and nothing is allocated for them. */
final class Limits {
    static final int LAYERS = 1024;
    static final int DIMENSION = 1 << 20;
    static final int HEAD_SIZE = 1 << 16;
    static final int VOCABULARY = 1 << 24;
    static final int CONTEXT = 1 << 28;
    static final int CLASSES = 1 << 16;

    private Limits() {}

    static int check(Path file, String key, long value, int largest) {
        if (value < 1 || value > largest) {
            throw invalid(file, key, "1 to " + largest, String.valueOf(value));
        }
        return (int) value;
    }

    static double positive(Path file, String key, double value) {
        if (!(value > 0 && value < Float.MAX_VALUE)) {
            throw invalid(file, key, "a positive number", String.valueOf(value));
        }
        return value;
    }

    /** What must hold between the values, each of which has been checked on its own. */
    static ModelConfig consistent(Path file, ModelConfig config) {
        if (config.heads() % config.keyValueHeads() != 0) {
            throw invalid(
                    file,
                    "key and value heads",
                    "a divisor of the " + config.heads() + " attention heads",
                    String.valueOf(config.keyValueHeads()));
        }
        if ((long) config.heads() * config.headSize() > DIMENSION) {
            throw invalid(
                    file,
                    "attention",
                    "at most " + DIMENSION + " columns",
                    config.heads() + " heads of " + config.headSize());
        }
        for (ModelConfig.Rope rope : config.ropes()) {
            if (rope.inverseFrequencies().size() * 2L > config.headSize()) {
                throw invalid(
                        file,
                        "rotated columns",
                        "at most the head size " + config.headSize(),
                        String.valueOf(rope.inverseFrequencies().size() * 2L));
            }
        }
        return config;
    }

    /** For a value that is sound but not implemented. */
    static UnsupportedModelException unsupported(Path file, String key, String value, String known) {
        return new UnsupportedModelException(
                file + ": " + key + " is " + value + ", which is not supported; known: " + known,
                "use a model that keeps to what is known");
    }

    static ModelFormatException invalid(Path file, String key, String expected, String found) {
        return new ModelFormatException(file, key, ModelFormatException.NO_OFFSET, expected, found);
    }
}
