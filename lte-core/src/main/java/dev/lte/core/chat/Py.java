package dev.lte.core.chat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** What Python does with values: truth, equality, order, length, iteration, membership. One instance a rendering. */
final class Py {
    private final Budget budget;
    private final PyText text;

    Py(Budget budget) {
        this.budget = budget;
        this.text = new PyText(budget);
    }

    Budget budget() {
        return budget;
    }

    String str(@Nullable Object value) {
        return text.str(value);
    }

    String repr(@Nullable Object value) {
        return text.repr(value);
    }

    static String typeName(@Nullable Object value) {
        return switch (value) {
            case null -> "NoneType";
            case Boolean _ -> "bool";
            case Long _ -> "int";
            case Double _ -> "float";
            case String _ -> "str";
            case Values.Markup _ -> "Markup";
            case List<?> _ -> "list";
            case Values.Tuple _ -> "tuple";
            case Map<?, ?> _ -> "dict";
            case Values.Range _ -> "range";
            case Values.View view -> view.kind();
            case Values.OneShot _ -> "generator";
            case Values.Undefined _ -> "Undefined";
            case Values.Namespace _ -> "Namespace";
            case Values.Function _ -> "function";
            default -> value.getClass().getSimpleName();
        };
    }

    static PyError notSupported(String operator, @Nullable Object a, @Nullable Object b) {
        if (a instanceof Values.Undefined(String problem)) {
            return PyError.invalid(problem);
        }
        if (b instanceof Values.Undefined(String problem)) {
            return PyError.invalid(problem);
        }
        return PyError.invalid(
                "unsupported operand types for " + operator + ": '" + typeName(a) + "' and '" + typeName(b) + "'");
    }

    boolean truth(@Nullable Object value) {
        return switch (value) {
            case null -> false;
            case Boolean b -> b;
            case Long l -> l != 0;
            case Double d -> d != 0;
            case String s -> !s.isEmpty();
            case Values.Markup(String s) -> !s.isEmpty();
            case List<?> list -> !list.isEmpty();
            case Values.Tuple(List<?> items) -> !items.isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            case Values.Range range -> range.size() > 0;
            case Values.View view -> !view.content().isEmpty();
            case Values.Undefined _ -> false;
            default -> true;
        };
    }

    /** The text of a str, or null for other values. */
    static @Nullable String textOf(@Nullable Object value) {
        return value instanceof String s ? s : value instanceof Values.Markup(String s) ? s : null;
    }

    /** An int or bool as a long, or null. */
    static @Nullable Long integerOf(@Nullable Object value) {
        return value instanceof Long l ? l : value instanceof Boolean b ? (Long) (b ? 1L : 0L) : null;
    }

    boolean equal(@Nullable Object a, @Nullable Object b) {
        budget.step();
        if (a == b) {
            return !(a instanceof Double d && d.isNaN());
        }
        if (a == null || b == null) {
            return false;
        }
        String s = textOf(a);
        String t = textOf(b);
        if (s != null || t != null) {
            budget.read(s == null ? 0 : s.length());
            return s != null && s.equals(t);
        }
        if (Arithmetic.isNumber(a) && Arithmetic.isNumber(b)) {
            return Arithmetic.compare(a, b) == Arithmetic.EQUAL;
        }
        budget.enter();
        boolean equal = switch (a) {
            case List<?> list -> b instanceof List<?> other && elementsEqual(list, other);
            case Values.Tuple(List<?> items) -> b instanceof Values.Tuple(List<?> other) && elementsEqual(items, other);
            case Map<?, ?> map -> b instanceof Map<?, ?> other && entriesEqual(map, other);
            case Values.Range range -> b instanceof Values.Range other && elementsEqual(toList(range), toList(other));
            case Values.Undefined _ -> b instanceof Values.Undefined;
            case Values.View _ -> throw PyError.unsupported("the comparison of views of a dict");
            default -> false;
        };
        budget.exit();
        return equal;
    }

    private boolean elementsEqual(List<?> a, List<?> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (!equal(a.get(i), b.get(i))) {
                return false;
            }
        }
        return true;
    }

    private boolean entriesEqual(Map<?, ?> a, Map<?, ?> b) {
        if (a.size() != b.size()) {
            return false;
        }
        for (Map.Entry<?, ?> entry : a.entrySet()) {
            Map.Entry<?, ?> other = PyDict.find(this, b, entry.getKey());
            if (other == null || !equal(entry.getValue(), other.getValue())) {
                return false;
            }
        }
        return true;
    }

    /** Order for sorting; a NaN counts as larger, where Python would leave the order to chance. */
    int compare(@Nullable Object a, @Nullable Object b) {
        return lessThan(a, b, "<") ? -1 : lessThan(b, a, "<") ? 1 : 0;
    }

    /** {@code a < b}; the operator is for the message only. */
    boolean lessThan(@Nullable Object a, @Nullable Object b, String operator) {
        return ordered(a, b, operator, false);
    }

    boolean lessOrEqual(@Nullable Object a, @Nullable Object b, String operator) {
        return ordered(a, b, operator, true);
    }

    private boolean ordered(@Nullable Object a, @Nullable Object b, String operator, boolean orEqual) {
        budget.step();
        if (a != null && b != null && Arithmetic.isNumber(a) && Arithmetic.isNumber(b)) {
            int order = Arithmetic.compare(a, b);
            return order == Arithmetic.LESS || orEqual && order == Arithmetic.EQUAL;
        }
        String s = textOf(a);
        String t = textOf(b);
        if (s != null && t != null) {
            budget.read(Math.min(s.length(), t.length()));
            int order = compareCodePoints(s, t);
            return order < 0 || orEqual && order == 0;
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            return elementsOrdered(x, y, operator, orEqual);
        }
        if (a instanceof Values.Tuple(List<?> x) && b instanceof Values.Tuple(List<?> y)) {
            return elementsOrdered(x, y, operator, orEqual);
        }
        throw notSupported(operator, a, b);
    }

    private boolean elementsOrdered(List<?> x, List<?> y, String operator, boolean orEqual) {
        budget.enter();
        try {
            for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
                if (!equal(x.get(i), y.get(i))) {
                    return ordered(x.get(i), y.get(i), operator, orEqual);
                }
            }
            return x.size() < y.size() || orEqual && x.size() == y.size();
        } finally {
            budget.exit();
        }
    }

    /** Order of Python's str: by code point, where Java's compares UTF-16 units. */
    private static int compareCodePoints(String s, String t) {
        int common = Math.min(s.length(), t.length());
        for (int i = 0; i < common; i++) {
            char c = s.charAt(i);
            char d = t.charAt(i);
            if (c != d) {
                boolean low = Character.isSurrogate(c) == Character.isSurrogate(d);
                return low ? Character.compare(c, d) : Character.isSurrogate(c) ? 1 : -1;
            }
        }
        return Integer.compare(s.length(), t.length());
    }

    int length(@Nullable Object value) {
        return switch (value) {
            case String s -> countCharacters(s);
            case Values.Markup(String s) -> countCharacters(s);
            case List<?> list -> list.size();
            case Values.Tuple(List<?> items) -> items.size();
            case Map<?, ?> map -> map.size();
            case Values.Range range -> range.size();
            case Values.View view -> view.content().size();
            case Values.Undefined _ -> 0;
            case LoopState loop -> loop.length();
            case null, default -> throw PyError.invalid("object of type '" + typeName(value) + "' has no len()");
        };
    }

    private int countCharacters(String s) {
        budget.read(s.length());
        return PyStrings.length(s);
    }

    boolean isIterable(@Nullable Object value) {
        return switch (value) {
            case String _, Values.Markup _, List<?> _, Values.Tuple _, Map<?, ?> _ -> true;
            case Values.Range _, Values.View _, Values.OneShot _, Values.Undefined _, LoopState _ -> true;
            case null, default -> false;
        };
    }

    /** Walks a value as a {@code for} loop does; every element costs a step. */
    Iterator<@Nullable Object> iterate(@Nullable Object value) {
        return switch (value) {
            case List<?> list -> charged(list.iterator());
            case Values.Tuple(List<?> items) -> charged(items.iterator());
            case Map<?, ?> map -> charged(map.keySet().iterator());
            case Values.View view -> charged(view.content().iterator());
            case Values.OneShot(Iterator<@Nullable Object> iterator) -> iterator;
            case Values.Undefined _ -> Collections.emptyIterator();
            case String s -> characters(s);
            case Values.Markup _ -> throw PyError.unsupported("walking the characters of a text marked safe");
            case Values.Range range -> charged(numbers(range));
            case LoopState _ -> throw PyError.unsupported("walking the variable loop");
            case null, default -> throw PyError.invalid("'" + typeName(value) + "' object is not iterable");
        };
    }

    private Iterator<@Nullable Object> charged(Iterator<?> elements) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return elements.hasNext();
            }

            @Override
            public @Nullable Object next() {
                budget.step();
                return elements.next();
            }
        };
    }

    private Iterator<@Nullable Object> characters(String s) {
        return charged(s.codePoints().mapToObj(Character::toString).iterator());
    }

    private static Iterator<Object> numbers(Values.Range range) {
        return new Iterator<>() {
            private int next;

            @Override
            public boolean hasNext() {
                return next < range.size();
            }

            @Override
            public Object next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                return range.get(next++);
            }
        };
    }

    List<@Nullable Object> toList(@Nullable Object value) {
        List<@Nullable Object> list = new ArrayList<>();
        iterate(value).forEachRemaining(list::add);
        return list;
    }

    boolean contains(@Nullable Object container, @Nullable Object element) {
        String text = textOf(container);
        if (text != null) {
            String part = textOf(element);
            if (part == null) {
                throw element instanceof Values.Undefined(String problem)
                        ? PyError.invalid(problem)
                        : PyError.invalid("'in <string>' requires string as left operand, not " + typeName(element));
            }
            budget.search(text.length(), part.length());
            return text.contains(part);
        }
        if (container instanceof Map<?, ?> map) {
            return PyDict.find(this, map, element) != null;
        }
        if (container instanceof Values.View view && view.kind().equals("dict_keys") && element instanceof String) {
            return view.content().contains(element);
        }
        if (!isIterable(container)) {
            throw PyError.invalid("argument of type '" + typeName(container) + "' is not iterable");
        }
        for (Iterator<@Nullable Object> i = iterate(container); i.hasNext(); ) {
            if (equal(i.next(), element)) {
                return true;
            }
        }
        return false;
    }
}
