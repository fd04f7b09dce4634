package dev.lte.core.chat;

import java.util.AbstractMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Keys of dicts: equal numbers are one key whatever their type, lists and dicts are none. */
final class PyDict {
    private PyDict() {}

    /**
     * The entry of a key, or null. Keys that are not text are searched for one by one: dicts with such keys are small.
     */
    static Map.@Nullable Entry<?, ?> find(Py py, Map<?, ?> map, @Nullable Object key) {
        Object normal = normal(py, key);
        if (normal == null || normal instanceof String) {
            if (!map.containsKey(normal)) {
                return null;
            }
            return new AbstractMap.SimpleImmutableEntry<@Nullable Object, @Nullable Object>(normal, map.get(normal));
        }
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (py.equal(entry.getKey(), normal)) {
                return entry;
            }
        }
        return null;
    }

    static @Nullable Object get(Py py, Map<?, ?> map, @Nullable Object key, @Nullable Object fallback) {
        Map.Entry<?, ?> entry = find(py, map, key);
        return entry == null ? fallback : entry.getValue();
    }

    /** Sets a value; an equal key keeps its place and its first form. */
    static void put(Py py, Map<@Nullable Object, @Nullable Object> map, @Nullable Object key, @Nullable Object value) {
        if (key instanceof Values.Markup) {
            throw PyError.unsupported("a text marked safe as a key");
        }
        Map.Entry<?, ?> entry = find(py, map, key);
        map.put(entry == null ? normal(py, key) : entry.getKey(), value);
    }

    /** Charges for a walk through nested tuples, which computing a hash code repeats. */
    static boolean isHashable(Py py, @Nullable Object key) {
        if (!(key instanceof Values.Tuple(List<?> items))) {
            return !(key instanceof List<?> || key instanceof Map<?, ?>);
        }
        py.budget().enter();
        boolean hashable = true;
        for (Object item : items) {
            py.budget().step();
            hashable &= isHashable(py, item);
        }
        py.budget().exit();
        return hashable;
    }

    private static @Nullable Object normal(Py py, @Nullable Object key) {
        if (!isHashable(py, key)) {
            throw PyError.invalid("unhashable type: '" + Py.typeName(key) + "'");
        }
        if (key instanceof Values.Undefined(String problem)) {
            throw PyError.unsupported("an undefined value as a key (" + problem + ")");
        }
        return key instanceof Values.Markup(String text) ? text : key;
    }

    /** {@code dict(source, **named)} where the source is a dict or a sequence of pairs. */
    static Map<@Nullable Object, @Nullable Object> of(Py py, Arguments arguments) {
        if (arguments.positional().size() > 1) {
            throw PyError.invalid("dict expected at most 1 argument, got "
                    + arguments.positional().size());
        }
        Map<@Nullable Object, @Nullable Object> result = new LinkedHashMap<>();
        for (Object source : arguments.positional()) {
            if (source instanceof Values.Undefined(String problem)) {
                throw PyError.invalid(problem);
            }
            if (source instanceof Map<?, ?> map) {
                py.budget().steps(map.size());
                result.putAll(map);
            } else {
                py.iterate(source).forEachRemaining(pair -> {
                    List<@Nullable Object> both = py.toList(pair);
                    if (both.size() != 2) {
                        throw PyError.invalid("dict expects pairs, found " + both.size() + " elements");
                    }
                    put(py, result, both.get(0), both.get(1));
                });
            }
        }
        result.putAll(arguments.named());
        return result;
    }
}
