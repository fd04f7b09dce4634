package dev.lte.core.source;

import dev.lte.core.io.JsonView;
import dev.lte.core.source.HubFamily.Windows;
import java.nio.file.Path;
import java.util.List;

/** Reads which layers of a hub model see a window of positions only. */
final class HubWindows {
    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";

    private HubWindows() {}

    static SlidingWindows read(Path file, JsonView config, HubFamily table, int layers) {
        JsonView window = config.get("sliding_window");
        // Absent means the family's own, null means none.
        int size = config.node().has("sliding_window") ? window.integer(0) : table.window();
        if (table.windows() == Windows.UPPER
                && !config.get("use_sliding_window").flag(false)) {
            size = 0;
        }
        JsonView types = config.get("layer_types");
        boolean listed = types.isPresent() && table.windows() != Windows.ALL;
        boolean[] sliding = listed ? listed(file, types, layers) : byRule(config, table, size, layers);
        SlidingWindows windows = SlidingWindows.of(size, layers, layer -> sliding[layer]);
        if (windows.any() && table.windows() == Windows.NONE) {
            throw Limits.unsupported(file, "layer_types", SLIDING, FULL + " for this model type");
        } else if (windows.any()) {
            Limits.check(file, "sliding_window", size, Limits.CONTEXT);
        }
        return windows;
    }

    private static boolean[] listed(Path file, JsonView types, int layers) {
        List<JsonView> elements = types.elements();
        if (elements.size() != layers) {
            throw types.invalid("one type for each of " + layers + " layers", elements.size() + " types");
        }
        boolean[] sliding = new boolean[layers];
        for (int layer = 0; layer < layers; layer++) {
            String type = elements.get(layer).text();
            if (!type.equals(SLIDING) && !type.equals(FULL)) {
                throw Limits.unsupported(file, "layer_types", type, FULL + ", " + SLIDING);
            }
            sliding[layer] = type.equals(SLIDING);
        }
        return sliding;
    }

    private static boolean[] byRule(JsonView config, HubFamily table, int size, int layers) {
        int from = config.get("max_window_layers").integer(28);
        int pattern = pattern(config, table);
        boolean[] sliding = new boolean[layers];
        for (int layer = 0; layer < layers; layer++) {
            sliding[layer] = switch (table.windows()) {
                case NONE -> false;
                case ALL -> size > 0;
                case UPPER -> size > 0 && layer >= from;
                case PATTERN -> (layer + 1) % pattern != 0;
            };
        }
        return sliding;
    }

    /** Every how many layers one sees everything. */
    private static int pattern(JsonView config, HubFamily table) {
        boolean gemma2 = table == HubFamily.of(Family.GEMMA2);
        JsonView old = config.get("sliding_window_pattern");
        JsonView pattern = old.isPresent() ? old : config.get("_sliding_window_pattern");
        if (gemma2 || !pattern.isPresent()) {
            return gemma2 ? 2 : 6;
        }
        if (pattern.integer() < 1) {
            throw pattern.invalid("1 or more");
        }
        return pattern.integer();
    }
}
