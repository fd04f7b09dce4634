package dev.lte.core.chat;

import java.util.Iterator;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Methods of Python's str. */
record StringMethods(Py py, String s) {
    static final Set<String> SUPPORTED = Set.of(
            "strip",
            "lstrip",
            "rstrip",
            "split",
            "rsplit",
            "splitlines",
            "startswith",
            "endswith",
            "replace",
            "upper",
            "lower",
            "title",
            "capitalize",
            "swapcase",
            "join",
            "find",
            "rfind",
            "index",
            "rindex",
            "count",
            "isdigit",
            "isdecimal",
            "isnumeric",
            "isalpha",
            "isalnum",
            "isspace",
            "isupper",
            "islower",
            "format",
            "removeprefix",
            "removesuffix",
            "zfill",
            "ljust",
            "rjust",
            "partition",
            "rpartition");
    static final Set<String> UNSUPPORTED = Set.of(
            "casefold",
            "center",
            "encode",
            "expandtabs",
            "format_map",
            "isascii",
            "isidentifier",
            "isprintable",
            "istitle",
            "maketrans",
            "translate");

    @Nullable
    Object call(String name, Arguments arguments) {
        py.budget().read(s.length());
        return switch (name) {
            case "strip", "lstrip", "rstrip" -> strip(name, arguments);
            case "split", "rsplit" -> split(name, arguments);
            case "splitlines" ->
                charged(PyStrings.splitlines(
                        s, py.truth(arguments.bind(name, 0, "keepends").get(0, false))));
            case "startswith", "endswith" -> affix(name, arguments);
            case "replace" -> {
                Arguments.Bound bound = arguments.bind(name, 2, "old/", "new/", "count/");
                yield PyStrings.replace(py.budget(), s, bound.text(0, ""), bound.text(1, ""), bound.integer(2, -1));
            }
            case "join" -> join(arguments.bind(name, 1, "iterable/").get(0));
            case "find", "rfind", "index", "rindex" -> find(name, arguments);
            case "count" -> count(arguments.bind(name, 1, "sub/").text(0, ""));
            case "format" -> new BraceFormat(py).format(s, arguments);
            case "removeprefix" -> {
                String prefix = arguments.bind(name, 1, "prefix/").text(0, "");
                yield s.startsWith(prefix) ? s.substring(prefix.length()) : s;
            }
            case "removesuffix" -> {
                String suffix = arguments.bind(name, 1, "suffix/").text(0, "");
                yield s.endsWith(suffix) ? s.substring(0, s.length() - suffix.length()) : s;
            }
            case "zfill" -> zfill(arguments.bind(name, 1, "width/").integer(0, 0));
            case "ljust", "rjust" -> {
                Arguments.Bound bound = arguments.bind(name, 1, "width/", "fillchar/");
                String fill = padding(bound.integer(0, 0), bound.text(1, " "));
                yield name.equals("ljust") ? s + fill : fill + s;
            }
            case "partition", "rpartition" ->
                partition(name, arguments.bind(name, 1, "sep/").text(0, ""));
            default -> simple(name, arguments);
        };
    }

    private Object simple(String name, Arguments arguments) {
        arguments.bind(name, 0);
        return switch (name) {
            case "upper" -> made(PyStrings.upper(s));
            case "lower" -> made(PyStrings.lower(s));
            case "title" -> made(PyStrings.title(s));
            case "capitalize" -> made(PyStrings.capitalize(s));
            case "swapcase" -> made(PyStrings.swapcase(s));
            case "isdigit", "isnumeric" -> PyStrings.isDigits(s);
            case "isdecimal" -> PyStrings.isDecimal(s);
            case "isalpha" -> PyStrings.isAlpha(s);
            case "isalnum" -> PyStrings.isAlnum(s);
            case "isspace" -> PyStrings.isBlank(s, 0);
            case "isupper" -> PyStrings.isUpper(s);
            case "islower" -> PyStrings.isLower(s);
            default -> throw new IllegalStateException(name);
        };
    }

    private String made(String result) {
        py.budget().text(result.length());
        return result;
    }

    private List<@Nullable Object> charged(List<@Nullable Object> parts) {
        py.budget().text(s.length());
        py.budget().steps(parts.size());
        return parts;
    }

    private String strip(String name, Arguments arguments) {
        Arguments.Bound bound = arguments.bind(name, 0, "chars/");
        String chars = bound.get(0, null) == null ? null : bound.text(0, "");
        py.budget().search(s.length(), chars == null ? 1 : chars.length());
        return made(PyStrings.strip(s, chars, !name.equals("rstrip"), !name.equals("lstrip")));
    }

    private Object split(String name, Arguments arguments) {
        Arguments.Bound bound = arguments.bind(name, 0, "sep", "maxsplit");
        String separator = bound.get(0, null) == null ? null : bound.text(0, "");
        py.budget().search(s.length(), separator == null ? 1 : separator.length());
        long limit = bound.integer(1, -1);
        return charged(
                name.equals("split") ? PyStrings.split(s, separator, limit) : PyStrings.rsplit(s, separator, limit));
    }

    private Object affix(String name, Arguments arguments) {
        Arguments.Bound bound = arguments.bind(name, 1, "affix/");
        List<?> affixes = bound.get(0) instanceof Values.Tuple(List<?> items) ? items : List.of(bound.text(0, ""));
        for (Object item : affixes) {
            String affix = Py.textOf(item);
            if (affix == null) {
                throw PyError.invalid(name + " expects str, not " + Py.typeName(item));
            }
            py.budget().read(affix.length());
            if (name.equals("startswith") ? s.startsWith(affix) : s.endsWith(affix)) {
                return true;
            }
        }
        return false;
    }

    private String join(@Nullable Object iterable) {
        StringBuilder out = new StringBuilder();
        int i = 0;
        for (Iterator<@Nullable Object> parts = py.iterate(iterable); parts.hasNext(); i++) {
            Object part = parts.next();
            String text = Py.textOf(part);
            if (text == null) {
                throw PyError.invalid(
                        "sequence item " + i + ": expected str instance, " + Py.typeName(part) + " found");
            }
            py.budget().text((long) text.length() + s.length());
            py.budget().check(out);
            out.append(i == 0 ? "" : s).append(text);
        }
        return out.toString();
    }

    private Object find(String name, Arguments arguments) {
        String sought = arguments.bind(name, 1, "sub/").text(0, "");
        py.budget().search(s.length(), sought.length());
        int at = name.startsWith("r") ? s.lastIndexOf(sought) : s.indexOf(sought);
        if (at < 0 && name.endsWith("index")) {
            throw PyError.invalid("substring not found");
        }
        return at < 0 ? -1L : (long) s.codePointCount(0, at);
    }

    private Object count(String sought) {
        if (sought.isEmpty()) {
            return PyStrings.length(s) + 1L;
        }
        py.budget().search(s.length(), sought.length());
        long count = 0;
        for (int at = s.indexOf(sought); at >= 0; at = s.indexOf(sought, at + sought.length())) {
            count++;
        }
        return count;
    }

    private String padding(long width, String fill) {
        if (PyStrings.length(fill) != 1) {
            throw PyError.invalid("the fill character must be exactly one character long");
        }
        long missing = Math.max(0, width - PyStrings.length(s));
        py.budget().text(s.length() + Math.min(missing, Budget.MAX_OUTPUT_CHARS + 1L) * fill.length());
        return fill.repeat((int) missing);
    }

    private String zfill(long width) {
        boolean signed = s.startsWith("-") || s.startsWith("+");
        String zeros = padding(width, "0");
        return signed ? s.charAt(0) + zeros + s.substring(1) : zeros + s;
    }

    private Object partition(String name, String separator) {
        if (separator.isEmpty()) {
            throw PyError.invalid("empty separator");
        }
        py.budget().search(s.length(), separator.length());
        int at = name.equals("partition") ? s.indexOf(separator) : s.lastIndexOf(separator);
        if (at < 0) {
            return name.equals("partition") ? Values.Tuple.of(s, "", "") : Values.Tuple.of("", "", s);
        }
        return Values.Tuple.of(s.substring(0, at), separator, s.substring(at + separator.length()));
    }
}
