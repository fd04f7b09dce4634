package dev.lte.core.chat;

import java.util.AbstractCollection;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Methods of dict, list and tuple that leave the value unchanged. */
final class ContainerMethods {
    private ContainerMethods() {}

    static @Nullable Object dict(Py py, Map<?, ?> map, String name, Arguments arguments) {
        if (name.equals("get")) {
            Arguments.Bound bound = arguments.bind("get", 1, "key/", "default/");
            return PyDict.get(py, map, bound.get(0), bound.get(1, null));
        }
        arguments.bind(name, 0);
        return switch (name) {
            case "keys" -> new Values.View("dict_keys", map.keySet());
            case "values" -> new Values.View("dict_values", map.values());
            case "items" -> new Values.View("dict_items", items(map));
            case "copy" -> {
                py.budget().steps(map.size());
                yield new LinkedHashMap<@Nullable Object, @Nullable Object>(map);
            }
            default -> throw new IllegalStateException(name);
        };
    }

    /** The pairs of a dict as tuples. */
    static AbstractCollection<@Nullable Object> items(Map<?, ?> map) {
        return new AbstractCollection<>() {
            @Override
            public Iterator<@Nullable Object> iterator() {
                Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
                return new Iterator<>() {
                    @Override
                    public boolean hasNext() {
                        return entries.hasNext();
                    }

                    @Override
                    public Object next() {
                        Map.Entry<?, ?> entry = entries.next();
                        return Values.Tuple.of(entry.getKey(), entry.getValue());
                    }
                };
            }

            @Override
            public int size() {
                return map.size();
            }
        };
    }

    static Object list(Py py, List<?> list, String name, Arguments arguments) {
        if (name.equals("copy")) {
            arguments.bind(name, 0);
            py.budget().steps(list.size());
            return new ArrayList<@Nullable Object>(list);
        }
        Object sought = arguments.bind(name, 1, "value/").get(0);
        long count = 0;
        for (int i = 0; i < list.size(); i++) {
            if (py.equal(list.get(i), sought)) {
                if (name.equals("index")) {
                    return (long) i;
                }
                count++;
            }
        }
        if (name.equals("index")) {
            throw PyError.invalid("the value is not in the list");
        }
        return count;
    }
}
