package dev.lte.core.chat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Filters on sequences. Like the reference's, several are generators: walked once, computed on demand, always true. */
final class SequenceFilters {
    static final Set<String> NAMES = Set.of(
            "join",
            "first",
            "last",
            "list",
            "map",
            "select",
            "reject",
            "selectattr",
            "rejectattr",
            "items",
            "dictsort",
            "sort",
            "unique",
            "reverse",
            "sum",
            "min",
            "max");

    private final Py py;
    private final PyAttributes attributes;
    private final Filters filters;
    private final Tests tests;

    SequenceFilters(Py py, PyAttributes attributes, Filters filters, Tests tests) {
        this.py = py;
        this.attributes = attributes;
        this.filters = filters;
        this.tests = tests;
    }

    @Nullable
    Object apply(String name, @Nullable Object input, Arguments arguments) {
        return switch (name) {
            case "join" -> join(input, arguments.bind(name, 0, "d", "attribute"));
            case "first" -> {
                arguments.bind(name, 0);
                Iterator<@Nullable Object> elements = py.iterate(input);
                yield elements.hasNext() ? elements.next() : new Values.Undefined("No first item, sequence was empty.");
            }
            case "last" -> {
                arguments.bind(name, 0);
                List<@Nullable Object> elements = reversible(input);
                yield elements.isEmpty()
                        ? new Values.Undefined("No last item, sequence was empty.")
                        : elements.getLast();
            }
            case "list" -> {
                arguments.bind(name, 0);
                yield py.toList(input);
            }
            case "map" -> map(input, arguments);
            case "select" -> select(input, arguments, false, true);
            case "reject" -> select(input, arguments, false, false);
            case "selectattr" -> select(input, arguments, true, true);
            case "rejectattr" -> select(input, arguments, true, false);
            case "items" -> {
                arguments.bind(name, 0);
                yield items(input);
            }
            case "dictsort" -> dictsort(input, arguments.bind(name, 0, "case_sensitive", "by", "reverse"));
            case "sort" -> sort(input, arguments.bind(name, 0, "reverse", "case_sensitive", "attribute"));
            case "unique" -> unique(input, arguments.bind(name, 0, "case_sensitive", "attribute"));
            case "reverse" -> {
                arguments.bind(name, 0);
                yield reverse(input);
            }
            case "sum" -> sum(input, arguments.bind(name, 0, "attribute", "start"));
            case "min", "max" ->
                extreme(input, arguments.bind(name, 0, "case_sensitive", "attribute"), name.equals("max"));
            default -> throw new IllegalStateException(name);
        };
    }

    private String join(@Nullable Object input, Arguments.Bound bound) {
        String separator = py.str(bound.get(0, ""));
        Function<@Nullable Object, @Nullable Object> getter = getter(bound.get(1, null), null, false);
        StringBuilder out = new StringBuilder();
        boolean first = true;
        for (Iterator<@Nullable Object> i = py.iterate(input); i.hasNext(); first = false) {
            String text = py.str(getter.apply(i.next()));
            py.budget().text((long) text.length() + separator.length());
            py.budget().check(out);
            out.append(first ? "" : separator).append(text);
        }
        return out.toString();
    }

    /** A value as a list to be read backwards; generators cannot. */
    private List<@Nullable Object> reversible(@Nullable Object input) {
        if (input instanceof Values.OneShot) {
            throw PyError.invalid("'generator' object is not reversible");
        }
        return py.toList(input);
    }

    private Object reverse(@Nullable Object input) {
        if (input instanceof String s) {
            py.budget().text(s.length());
            return new StringBuilder(s).reverse().toString();
        }
        List<@Nullable Object> reversed = py.toList(input).reversed();
        return input instanceof Values.OneShot ? new ArrayList<>(reversed) : new Values.OneShot(reversed.iterator());
    }

    private Object items(@Nullable Object input) {
        return switch (input) {
            case Values.Undefined _ -> new Values.OneShot(py.iterate(input));
            case Map<?, ?> map ->
                new Values.OneShot(py.iterate(new Values.View("dict_items", ContainerMethods.items(map))));
            case null, default -> throw PyError.invalid("Can only get item pairs from a mapping.");
        };
    }

    private Object map(@Nullable Object input, Arguments arguments) {
        Function<@Nullable Object, @Nullable Object> function;
        if (arguments.positional().isEmpty()) {
            Arguments.Bound bound = new Arguments(List.of(), arguments.named()).bind("map", 1, "attribute", "default");
            function = getter(bound.get(0), bound.get(1, null), false);
        } else {
            String filter = Py.textOf(arguments.positional().get(0));
            if (filter == null || !Filters.isKnown(filter)) {
                throw PyError.unsupported("the filter " + filter);
            }
            Arguments rest = arguments.without(1);
            function = item -> filters.apply(filter, item, rest);
        }
        Iterator<@Nullable Object> elements =
                py.truth(input) ? py.iterate(input) : Collections.<@Nullable Object>emptyIterator();
        return new Values.OneShot(new Iterator<>() {
            @Override
            public boolean hasNext() {
                return elements.hasNext();
            }

            @Override
            public @Nullable Object next() {
                py.budget().step();
                return function.apply(elements.next());
            }
        });
    }

    private Object select(@Nullable Object input, Arguments arguments, boolean byAttribute, boolean keep) {
        int offset = byAttribute ? 1 : 0;
        if (arguments.positional().size() < offset) {
            throw PyError.invalid("missing the name of an attribute");
        }
        Function<@Nullable Object, @Nullable Object> getter =
                byAttribute ? getter(arguments.positional().get(0), null, false) : item -> item;
        Predicate<@Nullable Object> predicate = py::truth;
        if (arguments.positional().size() > offset) {
            String test = Py.textOf(arguments.positional().get(offset));
            if (test == null || !Tests.isKnown(test)) {
                throw PyError.unsupported("the test " + test);
            }
            Arguments rest = arguments.without(offset + 1);
            predicate = item -> tests.apply(test, item, rest);
        }
        Iterator<@Nullable Object> elements =
                py.truth(input) ? py.iterate(input) : Collections.<@Nullable Object>emptyIterator();
        Predicate<@Nullable Object> wanted = predicate;
        return new Values.OneShot(filtered(elements, item -> wanted.test(getter.apply(item)) == keep));
    }

    /** The elements that pass, found on demand. */
    static Iterator<@Nullable Object> filtered(
            Iterator<@Nullable Object> elements, Predicate<@Nullable Object> passes) {
        return new Iterator<>() {
            private boolean ready;
            private @Nullable Object next;

            @Override
            public boolean hasNext() {
                while (!ready && elements.hasNext()) {
                    next = elements.next();
                    ready = passes.test(next);
                }
                return ready;
            }

            @Override
            public @Nullable Object next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                ready = false;
                return next;
            }
        };
    }

    /** Reads {@code attribute}, a name with dots or an index, of an item; null reads the item itself. */
    private Function<@Nullable Object, @Nullable Object> getter(
            @Nullable Object attribute, @Nullable Object fallback, boolean ignoreCase) {
        List<Object> path = path(attribute);
        return item -> {
            Object value = item;
            for (Object part : path) {
                py.budget().step();
                value = attributes.item(value, part);
                if (fallback != null && value instanceof Values.Undefined) {
                    value = fallback;
                }
            }
            if (ignoreCase && value instanceof String text) {
                py.budget().text(text.length());
                return PyStrings.lower(text);
            }
            return value;
        };
    }

    private static List<Object> path(@Nullable Object attribute) {
        if (attribute == null) {
            return List.of();
        }
        if (attribute instanceof Long index) {
            return List.of(index);
        }
        String text = Py.textOf(attribute);
        if (text == null) {
            throw PyError.invalid("the name of an attribute must be a str, not " + Py.typeName(attribute));
        }
        List<Object> path = new ArrayList<>();
        for (String part : text.split("\\.", -1)) {
            boolean number =
                    !part.isEmpty() && part.length() < 10 && part.chars().allMatch(c -> c >= '0' && c <= '9');
            path.add(number ? (Object) Long.valueOf(part) : part);
        }
        return path;
    }

    private List<@Nullable Object> sorted(
            List<@Nullable Object> items, Function<@Nullable Object, @Nullable Object> key, boolean reverse) {
        record Keyed(@Nullable Object key, @Nullable Object item) {}
        List<Keyed> keyed = new ArrayList<>(items.size());
        items.forEach(item -> keyed.add(new Keyed(key.apply(item), item)));
        Comparator<Keyed> order = (a, b) -> py.compare(a.key(), b.key());
        try {
            keyed.sort(reverse ? order.reversed() : order);
        } catch (IllegalArgumentException e) {
            throw PyError.unsupported("sorting values without a total order");
        }
        List<@Nullable Object> result = new ArrayList<>(items.size());
        keyed.forEach(k -> result.add(k.item()));
        return result;
    }

    private Object sort(@Nullable Object input, Arguments.Bound bound) {
        boolean ignoreCase = !py.truth(bound.get(1, false));
        Object attribute = bound.get(2, null);
        List<Function<@Nullable Object, @Nullable Object>> getters = new ArrayList<>();
        if (attribute instanceof String names) {
            for (String name : names.split(",", -1)) {
                getters.add(getter(name, null, ignoreCase));
            }
        } else {
            getters.add(getter(attribute, null, ignoreCase));
        }
        Function<@Nullable Object, @Nullable Object> key = item -> {
            List<@Nullable Object> keys = new ArrayList<>(getters.size());
            for (Function<@Nullable Object, @Nullable Object> getter : getters) {
                keys.add(getter.apply(item));
            }
            return keys;
        };
        return sorted(py.toList(input), key, bound.integer(0, 0) != 0);
    }

    private Object dictsort(@Nullable Object input, Arguments.Bound bound) {
        if (!(input instanceof Map<?, ?> map)) {
            throw PyError.invalid("dictsort expects a dict, not " + Py.typeName(input));
        }
        String by = bound.text(1, "key");
        if (!by.equals("key") && !by.equals("value")) {
            throw PyError.invalid("You can only sort by either \"key\" or \"value\"");
        }
        boolean ignoreCase = !py.truth(bound.get(0, false));
        List<@Nullable Object> pairs = py.toList(new Values.View("dict_items", ContainerMethods.items(map)));
        return sorted(pairs, getter(by.equals("key") ? 0L : 1L, null, ignoreCase), bound.integer(2, 0) != 0);
    }

    private Object unique(@Nullable Object input, Arguments.Bound bound) {
        Function<@Nullable Object, @Nullable Object> getter =
                getter(bound.get(1, null), null, !py.truth(bound.get(0, false)));
        Map<@Nullable Object, @Nullable Object> seen = new LinkedHashMap<>();
        return new Values.OneShot(filtered(py.iterate(input), item -> {
            Object key = getter.apply(item);
            boolean isNew = PyDict.find(py, seen, key) == null;
            if (isNew) {
                PyDict.put(py, seen, key, true);
            }
            return isNew;
        }));
    }

    private @Nullable Object sum(@Nullable Object input, Arguments.Bound bound) {
        Function<@Nullable Object, @Nullable Object> getter = getter(bound.get(0, null), null, false);
        Object total = bound.get(1, 0L);
        if (Py.textOf(total) != null) {
            throw PyError.invalid("sum() can't sum strings");
        }
        Arithmetic arithmetic = new Arithmetic(py);
        for (Iterator<@Nullable Object> i = py.iterate(input); i.hasNext(); ) {
            total = arithmetic.apply("+", total, getter.apply(i.next()));
        }
        return total;
    }

    private @Nullable Object extreme(@Nullable Object input, Arguments.Bound bound, boolean max) {
        Function<@Nullable Object, @Nullable Object> getter =
                getter(bound.get(1, null), null, !py.truth(bound.get(0, false)));
        Iterator<@Nullable Object> i = py.iterate(input);
        if (!i.hasNext()) {
            return new Values.Undefined("No aggregated item, sequence was empty.");
        }
        Object best = i.next();
        Object bestKey = getter.apply(best);
        while (i.hasNext()) {
            Object item = i.next();
            Object key = getter.apply(item);
            if (max ? py.lessThan(bestKey, key, ">") : py.lessThan(key, bestKey, "<")) {
                best = item;
                bestKey = key;
            }
        }
        return best;
    }
}
