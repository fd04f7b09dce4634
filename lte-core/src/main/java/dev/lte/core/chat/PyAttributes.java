package dev.lte.core.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code x.name}, {@code x[key]} and slices. As in the reference, a dot finds methods before keys, brackets find keys
 * before methods, what is missing is undefined, and methods that change a value are out of reach.
 */
final class PyAttributes {
    private static final Set<String> DICT_METHODS = Set.of("items", "keys", "values", "get", "copy");
    private static final Set<String> LIST_METHODS = Set.of("index", "count", "copy");
    private static final Set<String> LIST_CHANGING =
            Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");
    private static final Set<String> DICT_CHANGING = Set.of("clear", "pop", "popitem", "setdefault", "update");
    /** Attributes of Python's numbers. */
    private static final Set<String> NUMBER_ATTRIBUTES = Set.of(
            "as_integer_ratio",
            "bit_count",
            "bit_length",
            "conjugate",
            "denominator",
            "from_bytes",
            "fromhex",
            "hex",
            "imag",
            "is_integer",
            "numerator",
            "real",
            "to_bytes");

    private final Py py;

    PyAttributes(Py py) {
        this.py = py;
    }

    /** Names that lead into the interpreter of the reference, whose sandbox closes them. */
    static boolean isInternal(String name) {
        return name.startsWith("__");
    }

    /** Methods that exist on Python's values and are not part of this implementation. */
    static boolean isUnsupportedMethod(String name) {
        return StringMethods.UNSUPPORTED.contains(name) || name.equals("fromkeys") || NUMBER_ATTRIBUTES.contains(name);
    }

    @Nullable
    Object attribute(@Nullable Object target, String name) {
        if (target instanceof Values.Undefined(String problem)) {
            throw PyError.invalid(problem);
        }
        Object member = member(target, name);
        if (member != null) {
            return member;
        }
        if (target instanceof Map<?, ?> map) {
            return PyDict.get(py, map, name, missing(target, name));
        }
        if (target instanceof Values.Namespace namespace
                && namespace.attributes().containsKey(name)) {
            return namespace.attributes().get(name);
        }
        return target instanceof LoopState loop ? loop.attribute(name, missing(target, name)) : missing(target, name);
    }

    @Nullable
    Object item(@Nullable Object target, @Nullable Object key) {
        switch (target) {
            case Values.Undefined(String problem) -> throw PyError.invalid(problem);
            case Map<?, ?> map -> {
                if (PyDict.isHashable(py, key) && !(key instanceof Values.Undefined)) {
                    Map.Entry<?, ?> entry = PyDict.find(py, map, key);
                    if (entry != null) {
                        return entry.getValue();
                    }
                }
            }
            case List<?> list -> {
                int index = index(key, list.size());
                if (index >= 0) {
                    return list.get(index);
                }
            }
            case Values.Tuple(List<?> items) -> {
                int index = index(key, items.size());
                if (index >= 0) {
                    return items.get(index);
                }
            }
            case Values.Range range -> {
                int index = index(key, range.size());
                if (index >= 0) {
                    return range.get(index);
                }
            }
            case String s -> {
                int index = key instanceof String ? -1 : index(key, py.length(s));
                if (index >= 0) {
                    return PyStrings.charAt(s, index);
                }
            }
            case Values.Markup _
            when !(key instanceof String) -> throw PyError.unsupported("an index of a text marked safe");
            case null, default -> {}
        }
        String name = Py.textOf(key);
        if (name == null) {
            return missing(target, key);
        }
        if (isInternal(name)) {
            throw PyError.unsupported("the attribute " + name);
        }
        if (target instanceof Map<?, ?>) {
            Object member = member(target, name);
            return member == null ? missing(target, name) : member;
        }
        return attribute(target, name);
    }

    /** A method of a value, or null if its type has none of that name. */
    private @Nullable Object member(@Nullable Object target, String name) {
        switch (target) {
            case String s -> {
                if (StringMethods.SUPPORTED.contains(name)) {
                    return (Values.Function) arguments -> new StringMethods(py, s).call(name, arguments);
                }
                refuse("str", name, StringMethods.UNSUPPORTED);
            }
            case Values.Markup _ -> {
                if (StringMethods.SUPPORTED.contains(name) || StringMethods.UNSUPPORTED.contains(name)) {
                    throw PyError.unsupported("the method " + name + " of a text marked safe");
                }
            }
            case Map<?, ?> map -> {
                if (DICT_METHODS.contains(name)) {
                    return (Values.Function) arguments -> ContainerMethods.dict(py, map, name, arguments);
                }
                refuse("dict", name, Set.of("fromkeys"));
                return DICT_CHANGING.contains(name) ? unsafe("dict", name) : null;
            }
            case List<?> list -> {
                if (LIST_METHODS.contains(name)) {
                    return (Values.Function) arguments -> ContainerMethods.list(py, list, name, arguments);
                }
                return LIST_CHANGING.contains(name) ? unsafe("list", name) : null;
            }
            case Values.Tuple(List<?> items) -> {
                if (name.equals("index") || name.equals("count")) {
                    return (Values.Function) arguments -> ContainerMethods.list(py, items, name, arguments);
                }
            }
            case Boolean _, Long _, Double _ -> refuse("number", name, NUMBER_ATTRIBUTES);
            case Values.Range _ -> refuse("range", name, Set.of("start", "stop", "step", "count", "index"));
            case Values.View view -> refuse(view.kind(), name, Set.of("isdisjoint", "mapping"));
            case Values.OneShot _ ->
                refuse("generator", name, Set.of("send", "throw", "close", "gi_frame", "gi_running"));
            case MacroFunction _ ->
                refuse("macro", name, Set.of("name", "arguments", "caller", "catch_kwargs", "catch_varargs"));
            case Values.Function _ -> throw PyError.unsupported("the attribute " + name + " of a function");
            case null, default -> {}
        }
        return null;
    }

    private static void refuse(String type, String name, Set<String> unsupported) {
        if (unsupported.contains(name)) {
            throw PyError.unsupported("the attribute " + name + " of a " + type);
        }
    }

    private static Values.Undefined unsafe(String type, String name) {
        return new Values.Undefined(
                "the method '" + name + "' of a " + type + " is closed to templates: it changes the value");
    }

    private Values.Undefined missing(@Nullable Object target, @Nullable Object name) {
        String type = target == null ? "None" : Py.typeName(target) + " object";
        if (name instanceof String text) {
            return new Values.Undefined("'" + type + "' has no attribute '" + Problems.cut(text) + "'");
        }
        return new Values.Undefined(
                type + " has no element " + (Arithmetic.isNumber(name) ? py.repr(name) : "of that key"));
    }

    /** Index for a key from either end, or -1 if there is none. */
    private static int index(@Nullable Object key, int size) {
        Long given = Py.integerOf(key);
        if (given == null || given < -size || given >= size) {
            return -1;
        }
        return (int) (given < 0 ? given + size : given);
    }

    /** {@code target[start:stop:step]}. */
    Object slice(@Nullable Object target, @Nullable Object start, @Nullable Object stop, @Nullable Object step) {
        switch (target) {
            case Values.Undefined(String problem) -> throw PyError.invalid(problem);
            case String s -> {
                py.budget().text(s.length());
                int[] points = s.codePoints().toArray();
                StringBuilder out = new StringBuilder();
                for (int i : indices(points.length, start, stop, step)) {
                    out.appendCodePoint(points[i]);
                }
                return out.toString();
            }
            case List<?> list -> {
                return picked(list, start, stop, step);
            }
            case Values.Tuple(List<?> items) -> {
                return new Values.Tuple(picked(items, start, stop, step));
            }
            case Values.Range _ -> throw PyError.unsupported("a slice of a range");
            case Values.Markup _ -> throw PyError.unsupported("a slice of a text marked safe");
            case null, default -> throw PyError.invalid("'" + Py.typeName(target) + "' object cannot be sliced");
        }
    }

    private List<@Nullable Object> picked(
            List<?> list, @Nullable Object start, @Nullable Object stop, @Nullable Object step) {
        List<@Nullable Object> result = new ArrayList<>();
        for (int i : indices(list.size(), start, stop, step)) {
            result.add(list.get(i));
        }
        return result;
    }

    /** The indices that a slice visits, by the rules of {@code slice.indices}. */
    private int[] indices(int size, @Nullable Object start, @Nullable Object stop, @Nullable Object step) {
        long stride = bound(step, 1);
        if (stride == 0) {
            throw PyError.invalid("slice step cannot be zero");
        }
        boolean forward = stride > 0;
        long low = forward ? 0 : -1;
        long high = forward ? size : size - 1;
        long from = start == null ? (forward ? low : high) : clamp(bound(start, 0), size, low, high);
        long to = stop == null ? (forward ? high : low) : clamp(bound(stop, 0), size, low, high);
        long stepped = Math.clamp(stride, -(long) size - 1, size + 1L);
        long span = forward ? to - from : from - to;
        long magnitude = Math.abs(stepped);
        int count = span <= 0 ? 0 : (int) ((span + magnitude - 1) / magnitude);
        py.budget().steps(count);
        int[] indices = new int[count];
        for (int i = 0; i < count; i++) {
            indices[i] = (int) (from + i * stepped);
        }
        return indices;
    }

    private static long clamp(long index, int size, long low, long high) {
        return Math.clamp(index < 0 ? index + size : index, low, high);
    }

    private static long bound(@Nullable Object value, long fallback) {
        if (value == null) {
            return fallback;
        }
        Long integer = Py.integerOf(value);
        if (integer == null) {
            throw PyError.invalid("slice indices must be integers or None");
        }
        return integer;
    }
}
