package dev.lte.core.chat;

import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Jinja's filters by name. Those on sequences and numbers have files of their own. */
final class Filters {
    private static final Set<String> TEXT = Set.of(
            "trim",
            "upper",
            "lower",
            "title",
            "capitalize",
            "string",
            "replace",
            "indent",
            "tojson",
            "safe",
            "escape",
            "e",
            "format",
            "length",
            "count",
            "default",
            "d");
    /** Filters that leave it open whether a text is marked safe. */
    private static final Set<String> FOR_MARKUP =
            Set.of("safe", "escape", "e", "string", "length", "count", "default", "d", "tojson");

    private final Py py;
    private final SequenceFilters sequences;
    private final NumberFilters numbers;

    Filters(Py py, PyAttributes attributes) {
        this.py = py;
        this.sequences = new SequenceFilters(py, attributes, this, new Tests(py));
        this.numbers = new NumberFilters(py);
    }

    static boolean isKnown(String name) {
        return TEXT.contains(name) || SequenceFilters.NAMES.contains(name) || NumberFilters.NAMES.contains(name);
    }

    @Nullable
    Object apply(String name, @Nullable Object input, Arguments arguments) {
        py.budget().step();
        if (input instanceof Values.Markup && !FOR_MARKUP.contains(name)) {
            throw PyError.unsupported("the filter " + name + " of a text marked safe");
        }
        if (SequenceFilters.NAMES.contains(name)) {
            return sequences.apply(name, input, arguments);
        }
        if (NumberFilters.NAMES.contains(name)) {
            return numbers.apply(name, input, arguments);
        }
        return switch (name) {
            case "trim" -> {
                String text = py.str(input);
                Arguments.Bound bound = arguments.bind("trim", 0, "chars");
                String chars = bound.get(0, null) == null ? null : bound.text(0, "");
                py.budget().search(text.length(), chars == null ? 1 : chars.length());
                yield made(PyStrings.strip(text, chars, true, true));
            }
            case "upper", "lower", "title", "capitalize" -> cased(name, py.str(input), arguments);
            case "string" -> input instanceof Values.Markup ? input : py.str(input);
            case "replace" -> {
                Arguments.Bound bound = arguments.bind("replace", 2, "old", "new", "count");
                long count = bound.get(2, null) == null ? -1 : bound.integer(2, -1);
                yield PyStrings.replace(py.budget(), py.str(input), py.str(bound.get(0)), py.str(bound.get(1)), count);
            }
            case "indent" -> indent(input, arguments);
            case "tojson" -> toJson(input, arguments);
            case "safe" -> new Values.Markup(py.str(input));
            case "escape", "e" ->
                input instanceof Values.Markup ? input : new Values.Markup(made(PyStrings.escapeHtml(py.str(input))));
            case "format" -> {
                if (!arguments.named().isEmpty()) {
                    throw PyError.unsupported("the filter format with names");
                }
                yield new PercentFormat(py).format(py.str(input), new Values.Tuple(arguments.positional()));
            }
            case "length", "count" -> (long) py.length(input);
            case "default", "d" -> {
                Arguments.Bound bound = arguments.bind("default", 0, "default_value", "boolean");
                boolean absent = input instanceof Values.Undefined || py.truth(bound.get(1, false)) && !py.truth(input);
                yield absent ? bound.get(0, "") : input;
            }
            default -> throw PyError.unsupported("the filter " + name);
        };
    }

    private String made(String text) {
        py.budget().text(text.length());
        return text;
    }

    private String cased(String name, String text, Arguments arguments) {
        arguments.bind(name, 0);
        py.budget().read(text.length());
        return made(
                switch (name) {
                    case "upper" -> PyStrings.upper(text);
                    case "lower" -> PyStrings.lower(text);
                    case "title" -> PyStrings.titleWords(text);
                    default -> PyStrings.capitalize(text);
                });
    }

    private String indent(@Nullable Object input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("indent", 0, "width", "first", "blank");
        if (!(input instanceof String text)) {
            throw Py.notSupported("+", input, "");
        }
        String indentation = bound.get(0, null) instanceof String s ? s : spaces(bound.integer(0, 4));
        boolean first = py.truth(bound.get(1, false));
        boolean blank = py.truth(bound.get(2, false));
        py.budget().text(text.length());
        StringBuilder out = new StringBuilder();
        int line = 0;
        for (Object item : PyStrings.splitlines(text + "\n", false)) {
            String content = (String) Objects.requireNonNull(item);
            boolean indented = line == 0 ? first : blank || !content.isEmpty();
            py.budget().text(content.length() + (indented ? indentation.length() : 0) + 1L);
            py.budget().check(out);
            out.append(line == 0 ? "" : "\n")
                    .append(indented ? indentation : "")
                    .append(content);
            line++;
        }
        return out.toString();
    }

    private String spaces(long width) {
        long count = Math.clamp(width, 0, Budget.MAX_OUTPUT_CHARS + 1L);
        py.budget().text(count);
        return " ".repeat((int) count);
    }

    private String toJson(@Nullable Object input, Arguments arguments) {
        Arguments.Bound bound = arguments.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
        String indent =
                bound.get(1, null) == null ? null : bound.get(1) instanceof String s ? s : spaces(bound.integer(1, 0));
        String itemSeparator = indent == null ? ", " : ",";
        String keySeparator = ": ";
        if (bound.get(2, null) != null) {
            List<@Nullable Object> separators = py.toList(bound.get(2));
            String item = separators.size() == 2 ? Py.textOf(separators.get(0)) : null;
            String key = separators.size() == 2 ? Py.textOf(separators.get(1)) : null;
            if (item == null || key == null) {
                throw PyError.invalid("tojson expects a pair of str as separators");
            }
            itemSeparator = item;
            keySeparator = key;
        }
        boolean ensureAscii = py.truth(bound.get(0, false));
        boolean sortKeys = py.truth(bound.get(3, false));
        return new PyJson(py, ensureAscii, indent, itemSeparator, keySeparator, sortKeys).write(input);
    }
}
