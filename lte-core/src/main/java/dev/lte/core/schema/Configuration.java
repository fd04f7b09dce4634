package dev.lte.core.schema;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All ways in which a text can be read so far: stacks whose top may take a byte. Knows the configurations behind it, as they
 * are found.
 */
final class Configuration {
    /** Stands for no way to go on. */
    static final Configuration DEAD = new Configuration(List.of(), false, false, 0, 0);

    final List<Frame> stacks;
    final boolean canEnd;
    /** Whether some complete text begins like this. */
    final boolean live;
    /** How many characters of plain text may follow, whatever they are. */
    final int room;

    /** By class of bytes; null where not yet known. Races only repeat work: the objects are immutable apart from this. */
    final @Nullable Configuration[] next;

    /** The tokens that may follow, once asked for. */
    volatile long @Nullable [] mask;

    Configuration(List<Frame> stacks, boolean canEnd, boolean live, int room, int classes) {
        this.stacks = stacks;
        this.canEnd = canEnd;
        this.live = live;
        this.room = room;
        next = new Configuration[classes];
    }
}
