package dev.lte.core.source;

import dev.lte.ModelFormatException;

/** Reads which layers of a GGUF model see a window of positions only. */
final class GgufWindows {
    private GgufWindows() {}

    static SlidingWindows read(GgufValues values, Family family, int layers) {
        int size = values.metadata().integer(values.key(GgufKeys.WINDOW), family == Family.GEMMA2 ? 4096 : 0);
        Object pattern = values.metadata().values().get(values.key(GgufKeys.WINDOW_PATTERN));
        // Qwen's files have named a window that the model does not use.
        boolean unused = pattern == null && (family == Family.QWEN2 || family == Family.QWEN3);
        if (size == 0 || unused) {
            return SlidingWindows.of(0, layers, layer -> false);
        }
        Limits.check(values.file(), values.key(GgufKeys.WINDOW), size, Limits.CONTEXT);
        if (pattern instanceof boolean[] list) {
            check(values, list.length, layers);
            return SlidingWindows.of(size, layers, layer -> list[layer]);
        } else if (pattern instanceof long[] list) {
            check(values, list.length, layers);
            return SlidingWindows.of(size, layers, layer -> list[layer] != 0);
        } else if (pattern != null && !(pattern instanceof Long)) {
            throw invalid(
                    values,
                    "a number, or a flag for each layer",
                    pattern.getClass().getSimpleName());
        }
        long usual = family == Family.GEMMA2 ? 2 : family == Family.GEMMA3 ? 6 : 0;
        long every = pattern == null ? usual : (Long) pattern;
        return SlidingWindows.of(size, layers, layer -> every <= 0 || layer % every < every - 1);
    }

    private static void check(GgufValues values, int length, int layers) {
        if (length != layers) {
            throw invalid(values, "a flag for each of " + layers + " layers", length + " flags");
        }
    }

    private static ModelFormatException invalid(GgufValues values, String expected, String found) {
        return Limits.invalid(values.file(), values.key(GgufKeys.WINDOW_PATTERN), expected, found);
    }
}
