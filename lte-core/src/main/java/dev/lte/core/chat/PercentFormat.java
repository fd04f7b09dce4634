package dev.lte.core.chat;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code 'format' % values} with {@code %s %r %d %i %f %%}, width, precision and the flags {@code -} and {@code 0}. */
record PercentFormat(Py py) {
    String format(String template, @Nullable Object values) {
        if (values instanceof Map<?, ?>) {
            throw PyError.unsupported("the operator % with a dict");
        }
        List<? extends @Nullable Object> items =
                values instanceof Values.Tuple(List<?> list) ? list : Collections.singletonList(values);
        py.budget().text(template.length());
        StringBuilder out = new StringBuilder();
        int used = 0;
        for (int i = 0; i < template.length(); i++) {
            char c = template.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            int start = ++i;
            while (i < template.length() && "-0123456789.".indexOf(template.charAt(i)) >= 0) {
                i++;
            }
            if (i >= template.length()) {
                throw PyError.invalid("incomplete format");
            }
            char conversion = template.charAt(i);
            if (conversion == '%' && start == i) {
                out.append('%');
                continue;
            }
            if (used >= items.size()) {
                throw PyError.invalid("not enough arguments for format string");
            }
            String field = field(template.substring(start, i), conversion, items.get(used++));
            py.budget().text(field.length());
            py.budget().check(out);
            out.append(field);
        }
        // Python takes a list for a possible mapping and does not ask whether all of it was used.
        if (used < items.size() && !(values instanceof List<?>)) {
            throw PyError.invalid("not all arguments converted during string formatting");
        }
        return out.toString();
    }

    private String field(String flags, char conversion, @Nullable Object value) {
        if (!flags.matches("-?0?[0-9]{0,3}(\\.[0-9]{1,2})?")) {
            throw PyError.unsupported("the format %" + flags + conversion);
        }
        boolean left = flags.startsWith("-");
        String rest = left ? flags.substring(1) : flags;
        int dot = rest.indexOf('.');
        int precision = dot < 0 ? -1 : Integer.parseInt(rest.substring(dot + 1));
        String width = dot < 0 ? rest : rest.substring(0, dot);
        boolean zero = width.startsWith("0") && !left && conversion != 's' && conversion != 'r';
        String text = switch (conversion) {
            case 's' -> cut(py.str(value), precision);
            case 'r' -> cut(py.repr(value), precision);
            case 'd', 'i' -> integer(value, precision);
            case 'f' -> decimal(value, precision);
            default -> throw PyError.unsupported("the format %" + flags + conversion);
        };
        int missing = (width.isEmpty() ? 0 : Integer.parseInt(width)) - PyStrings.length(text);
        if (missing <= 0) {
            return text;
        }
        if (zero) {
            int sign = text.startsWith("-") ? 1 : 0;
            return text.substring(0, sign) + "0".repeat(missing) + text.substring(sign);
        }
        return left ? text + " ".repeat(missing) : " ".repeat(missing) + text;
    }

    private static String cut(String text, int precision) {
        return precision < 0 || PyStrings.length(text) <= precision
                ? text
                : text.substring(0, text.offsetByCodePoints(0, precision));
    }

    private static String integer(@Nullable Object value, int precision) {
        Long integer = Py.integerOf(value);
        if (integer != null && precision < 0) {
            return integer.toString();
        }
        if (value instanceof Double d && precision < 0 && Math.abs(d) < 1e15) {
            return Long.toString((long) (double) d);
        }
        throw Arithmetic.isNumber(value)
                ? PyError.unsupported("the format %d of this number")
                : PyError.invalid("%d format: a real number is required, not " + Py.typeName(value));
    }

    private static String decimal(@Nullable Object value, int precision) {
        Long integer = Py.integerOf(value);
        double d;
        if (value instanceof Double number) {
            d = number;
        } else if (integer != null) {
            d = integer;
        } else {
            throw PyError.invalid("must be real number, not " + Py.typeName(value));
        }
        if (Double.isNaN(d) || Double.isInfinite(d)) {
            return PyText.number(d);
        }
        String digits = new BigDecimal(Math.abs(d))
                .setScale(precision < 0 ? 6 : precision, RoundingMode.HALF_EVEN)
                .toPlainString();
        return (1 / d < 0 || d < 0 ? "-" : "") + digits;
    }
}
