package dev.lte.core.chat;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The variable {@code loop}: walks the sequence and looks ahead only when asked, as generators can be walked once. */
final class LoopState {
    private static final Object NOTHING = new Object();

    private final Py py;
    private Iterator<@Nullable Object> rest;
    private int index0 = -1;
    private int length = -1;
    private @Nullable Object before = NOTHING;
    private @Nullable Object current = NOTHING;
    private @Nullable Object after = NOTHING;
    private @Nullable Object lastChanged = NOTHING;

    LoopState(Py py, Iterator<@Nullable Object> elements) {
        this.py = py;
        this.rest = elements;
    }

    boolean advance() {
        Object next = peek();
        if (next == NOTHING) {
            return false;
        }
        after = NOTHING;
        index0++;
        before = current;
        current = next;
        return true;
    }

    @Nullable
    Object current() {
        return current;
    }

    private @Nullable Object peek() {
        if (after == NOTHING && rest.hasNext()) {
            after = rest.next();
        }
        return after;
    }

    int length() {
        if (length < 0) {
            List<@Nullable Object> remaining = new ArrayList<>();
            rest.forEachRemaining(remaining::add);
            rest = remaining.iterator();
            length = remaining.size() + index0 + 1 + (after == NOTHING ? 0 : 1);
        }
        return length;
    }

    /** An attribute, or {@code fallback} if there is none of that name. */
    @Nullable
    Object attribute(String name, @Nullable Object fallback) {
        return switch (name) {
            case "index" -> (long) index0 + 1;
            case "index0" -> (long) index0;
            case "first" -> index0 == 0;
            case "last" -> peek() == NOTHING;
            case "length" -> (long) length();
            case "revindex" -> (long) length() - index0;
            case "revindex0" -> (long) length() - index0 - 1;
            case "depth" -> 1L;
            case "depth0" -> 0L;
            case "previtem" -> before == NOTHING ? new Values.Undefined("there is no previous item") : before;
            case "nextitem" -> {
                Object next = peek();
                yield next == NOTHING ? new Values.Undefined("there is no next item") : next;
            }
            case "cycle" -> (Values.Function) this::cycle;
            case "changed" -> (Values.Function) this::changed;
            default -> fallback;
        };
    }

    private @Nullable Object cycle(Arguments arguments) {
        if (arguments.positional().isEmpty()) {
            throw PyError.invalid("no items for cycling given");
        }
        return arguments.positional().get(index0 % arguments.positional().size());
    }

    private Object changed(Arguments arguments) {
        Object values = new Values.Tuple(arguments.positional());
        boolean changed = lastChanged == NOTHING || !py.equal(lastChanged, values);
        lastChanged = values;
        return changed;
    }
}
