package dev.lte.core.chat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The kinds of values that a template computes with. None is null, bool, int, float and str are Boolean, Long, Double
 * and String, a list is a List that nobody changes, a dict a Map; the kinds that Java lacks are here.
 */
final class Values {
    private Values() {}

    /**
     * A missing variable, attribute or element.
     *
     * @param problem what any use but printing and testing says
     */
    record Undefined(String problem) {
        static Undefined named(String name) {
            return new Undefined("'" + name + "' is undefined");
        }
    }

    /** A text marked by {@code safe}; what is added to it is escaped, as markupsafe does even without autoescape. */
    record Markup(String text) {}

    record Tuple(List<@Nullable Object> items) {
        static Tuple of(@Nullable Object... items) {
            return new Tuple(Arrays.asList(items));
        }
    }

    /** {@code range(start, stop, step)}. */
    record Range(long start, long stop, long step) {
        int size() {
            long span = step > 0 ? stop - start : start - stop;
            long stride = Math.abs(step);
            return span <= 0 ? 0 : (int) ((span + stride - 1) / stride);
        }

        long get(int index) {
            return start + index * step;
        }
    }

    /** What {@code dict.keys()}, {@code values()} and {@code items()} give: a dict's content without a copy. */
    record View(String kind, Collection<? extends @Nullable Object> content) {}

    /** A generator: can be walked once, is always true and has no length. */
    record OneShot(Iterator<@Nullable Object> iterator) {}

    /** {@code namespace()}: the only value with attributes that templates may set. */
    static final class Namespace {
        private final Map<String, @Nullable Object> attributes = new LinkedHashMap<>();

        Map<String, @Nullable Object> attributes() {
            return attributes;
        }
    }

    /** A macro, method or global function. */
    interface Function {
        @Nullable
        Object call(Arguments arguments);
    }

    /** Variables of one block, on top of those of the blocks around it. */
    static final class Scope {
        private static final Object MISSING = new Object();

        private final @Nullable Scope parent;
        private final Map<String, @Nullable Object> variables = new HashMap<>();

        Scope(@Nullable Scope parent) {
            this.parent = parent;
        }

        void set(String name, @Nullable Object value) {
            variables.put(name, value);
        }

        @Nullable
        Object get(String name) {
            for (Scope scope = this; scope != null; scope = scope.parent) {
                Object value = scope.variables.getOrDefault(name, MISSING);
                if (value != MISSING) {
                    return value;
                }
            }
            return Undefined.named(name);
        }
    }

    /**
     * Values of a caller as values of templates: a deep copy, so that nothing outside changes during rendering.
     *
     * @throws IllegalArgumentException for other types and for nesting beyond any sensible message
     */
    static @Nullable Object copyOf(@Nullable Object value, int depth) {
        if (depth > 200) {
            throw new IllegalArgumentException("values nested deeper than 200");
        }
        return switch (value) {
            case null -> null;
            case String s -> s;
            case Boolean b -> b;
            case Long l -> l;
            case Integer i -> (long) i;
            case Short s -> (long) s;
            case Byte b -> (long) b;
            case Double d -> d;
            case Float f -> (double) f;
            case Map<?, ?> map -> {
                Map<@Nullable Object, @Nullable Object> copy = LinkedHashMap.newLinkedHashMap(map.size());
                map.forEach((k, v) -> {
                    if (!(k instanceof String)) {
                        throw new IllegalArgumentException("a map whose key is not a String");
                    }
                    copy.put(k, copyOf(v, depth + 1));
                });
                yield copy;
            }
            case Collection<?> list -> {
                List<@Nullable Object> copy = new ArrayList<>(list.size());
                list.forEach(v -> copy.add(copyOf(v, depth + 1)));
                yield copy;
            }
            default ->
                throw new IllegalArgumentException(
                        "a value of " + value.getClass().getName());
        };
    }
}
