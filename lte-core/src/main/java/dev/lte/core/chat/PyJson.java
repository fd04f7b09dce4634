package dev.lte.core.chat;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code json.dumps} behind the filter {@code tojson}: Python's separators, no escaping of non-ASCII text unless asked
 * for.
 *
 * @param indent text of one level, or null for a single line
 */
record PyJson(
        Py py,
        boolean ensureAscii,
        @Nullable String indent,
        String itemSeparator,
        String keySeparator,
        boolean sortKeys) {

    String write(@Nullable Object value) {
        StringBuilder out = new StringBuilder();
        write(value, 1, out);
        py.budget().text(out.length());
        return out.toString();
    }

    private void write(@Nullable Object value, int level, StringBuilder out) {
        py.budget().enter();
        py.budget().step();
        py.budget().check(out);
        switch (value) {
            case null -> out.append("null");
            case Boolean b -> out.append(b.booleanValue());
            case Long l -> out.append(l.longValue());
            case Double d -> {
                py.budget().steps(10);
                out.append(number(d));
            }
            case String s -> quote(s, out);
            case Values.Markup(String s) -> quote(s, out);
            case List<?> list -> array(list, level, out);
            case Values.Tuple(List<?> items) -> array(items, level, out);
            case Map<?, ?> map -> object(map, level, out);
            default -> throw PyError.invalid("Object of type " + Py.typeName(value) + " is not JSON serializable");
        }
        py.budget().exit();
    }

    private static String number(double d) {
        return Double.isNaN(d) ? "NaN" : Double.isInfinite(d) ? (d > 0 ? "Infinity" : "-Infinity") : PyText.number(d);
    }

    private void newline(int level, StringBuilder out) {
        if (indent != null) {
            py.budget().text((long) level * indent.length());
            out.append('\n').append(indent.repeat(level));
        }
    }

    private void array(List<?> items, int level, StringBuilder out) {
        if (items.isEmpty()) {
            out.append("[]");
            return;
        }
        out.append('[');
        for (Iterator<?> i = items.iterator(); i.hasNext(); ) {
            newline(level, out);
            write(i.next(), level + 1, out);
            out.append(i.hasNext() ? itemSeparator : "");
        }
        newline(level - 1, out);
        out.append(']');
    }

    private void object(Map<?, ?> map, int level, StringBuilder out) {
        if (map.isEmpty()) {
            out.append("{}");
            return;
        }
        List<? extends Map.Entry<?, ?>> entries = List.copyOf(map.entrySet());
        if (sortKeys) {
            entries = entries.stream()
                    .sorted((a, b) -> py.compare(a.getKey(), b.getKey()))
                    .toList();
        }
        out.append('{');
        for (Iterator<? extends Map.Entry<?, ?>> i = entries.iterator(); i.hasNext(); ) {
            Map.Entry<?, ?> entry = i.next();
            newline(level, out);
            quote(key(entry.getKey()), out);
            out.append(keySeparator);
            write(entry.getValue(), level + 1, out);
            out.append(i.hasNext() ? itemSeparator : "");
        }
        newline(level - 1, out);
        out.append('}');
    }

    private static String key(@Nullable Object key) {
        return switch (key) {
            case String s -> s;
            case null -> "null";
            case Boolean b -> b.toString();
            case Long l -> l.toString();
            case Double d -> number(d);
            default -> throw PyError.invalid("keys must be str, int, float, bool or None, not " + Py.typeName(key));
        };
    }

    private void quote(String s, StringBuilder out) {
        py.budget().read(s.length());
        out.append('"');
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            py.budget().check(out);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\b' -> out.append("\\b");
                case '\f' -> out.append("\\f");
                default -> {
                    if (c < ' ' || ensureAscii && c > '~') {
                        out.append("\\u%04x".formatted((int) c));
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
