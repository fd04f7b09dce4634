package dev.lte.core.source;

import dev.lte.core.arch.ModelConfig.Rope;
import java.util.ArrayList;
import java.util.List;

/**
 * The rotations of a model.
 *
 * @param ropes for layers that see everything, then for sliding layers if theirs differs; none where positions are learned
 * @param context positions for which these rotations are the model's own
 */
record Ropes(List<Rope> ropes, int context) {
    Ropes {
        ropes = List.copyOf(ropes);
    }

    static Ropes none(int context) {
        return new Ropes(List.of(), context);
    }

    static Ropes of(Rope rope, int context) {
        return new Ropes(List.of(rope), context);
    }

    static Ropes both(Ropes full, Ropes sliding) {
        List<Rope> ropes = new ArrayList<>(full.ropes);
        ropes.addAll(sliding.ropes);
        return new Ropes(ropes, Math.min(full.context, sliding.context));
    }

    /** Index for a layer, -1 where positions are learned. */
    int ropeOf(boolean sliding) {
        return ropes.isEmpty() ? -1 : sliding ? ropes.size() - 1 : 0;
    }
}
