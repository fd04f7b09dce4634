package dev.lte.core.source;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Which layers see a window of positions only.
 *
 * @param size positions that a sliding layer sees, itself included
 * @param sliding by layer
 */
record SlidingWindows(int size, List<Boolean> sliding) {
    SlidingWindows {
        sliding = List.copyOf(sliding);
    }

    static SlidingWindows of(int size, int layers, IntPredicate slides) {
        List<Boolean> sliding = new ArrayList<>(layers);
        for (int layer = 0; layer < layers; layer++) {
            sliding.add(slides.test(layer));
        }
        return new SlidingWindows(size, sliding);
    }

    boolean isSliding(int layer) {
        return sliding.get(layer);
    }

    /** 0 for a layer that sees everything. */
    int window(int layer) {
        return isSliding(layer) ? size : 0;
    }

    boolean any() {
        return sliding.contains(true);
    }
}
