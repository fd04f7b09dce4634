package dev.lte.core.chat;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code str()} and {@code repr()} of values, character for character as Python writes them. */
final class PyText {
    private final Budget budget;

    PyText(Budget budget) {
        this.budget = budget;
    }

    String str(@Nullable Object value) {
        return switch (value) {
            case String s -> s;
            case Values.Markup(String s) -> s;
            case Values.Undefined _ -> "";
            case null, default -> repr(value);
        };
    }

    String repr(@Nullable Object value) {
        StringBuilder out = new StringBuilder();
        repr(value, out);
        budget.text(out.length());
        return out.toString();
    }

    private void repr(@Nullable Object value, StringBuilder out) {
        budget.enter();
        budget.step();
        budget.check(out);
        switch (value) {
            case null -> out.append("None");
            case Boolean b -> out.append(b ? "True" : "False");
            case Long l -> out.append(l.longValue());
            case Double d -> {
                budget.steps(10);
                out.append(number(d));
            }
            case String s -> quote(s, out);
            case List<?> list -> sequence(list.iterator(), "[", "]", out);
            case Values.Tuple(List<?> items) -> sequence(items.iterator(), "(", items.size() == 1 ? ",)" : ")", out);
            case Map<?, ?> map -> dict(map, out);
            case Values.Range(long start, long stop, long step) ->
                out.append("range(")
                        .append(start)
                        .append(", ")
                        .append(stop)
                        .append(step == 1 ? "" : ", " + step)
                        .append(')');
            case Values.View(String kind, Collection<?> content) -> {
                out.append(kind).append('(');
                sequence(content.iterator(), "[", "]", out);
                out.append(')');
            }
            case Values.Namespace namespace -> {
                out.append("<Namespace ");
                dict(namespace.attributes(), out);
                out.append('>');
            }
            case Values.Undefined _ -> out.append("Undefined");
            default -> throw PyError.unsupported("the text of a value of type " + Py.typeName(value));
        }
        budget.exit();
    }

    private void sequence(Iterator<?> items, String open, String close, StringBuilder out) {
        out.append(open);
        while (items.hasNext()) {
            repr(items.next(), out);
            out.append(items.hasNext() ? ", " : "");
        }
        out.append(close);
    }

    private void dict(Map<?, ?> map, StringBuilder out) {
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(separator);
            repr(entry.getKey(), out);
            out.append(": ");
            repr(entry.getValue(), out);
            separator = ", ";
        }
        out.append('}');
    }

    private void quote(String s, StringBuilder out) {
        budget.read(s.length());
        char quote = s.indexOf('\'') >= 0 && s.indexOf('"') < 0 ? '"' : '\'';
        out.append(quote);
        for (int i = 0; i < s.length(); ) {
            int c = s.codePointAt(i);
            i += Character.charCount(c);
            budget.check(out);
            switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                    if (c == quote) {
                        out.append('\\').append(quote);
                    } else if (isPrintable(c)) {
                        out.appendCodePoint(c);
                    } else {
                        out.append(
                                c < 0x100
                                        ? "\\x%02x".formatted(c)
                                        : c < 0x10000 ? "\\u%04x".formatted(c) : "\\U%08x".formatted(c));
                    }
                }
            }
        }
        out.append(quote);
    }

    private static boolean isPrintable(int c) {
        return c == ' '
                || switch (Character.getType(c)) {
                    case Character.CONTROL,
                            Character.FORMAT,
                            Character.SURROGATE,
                            Character.PRIVATE_USE,
                            Character.UNASSIGNED,
                            Character.LINE_SEPARATOR,
                            Character.PARAGRAPH_SEPARATOR,
                            Character.SPACE_SEPARATOR -> false;
                    default -> true;
                };
    }

    /** {@code repr(float)}: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on. */
    static String number(double d) {
        if (Double.isNaN(d)) {
            return "nan";
        }
        if (Double.isInfinite(d)) {
            return d > 0 ? "inf" : "-inf";
        }
        String sign = 1 / d < 0 || d < 0 ? "-" : "";
        if (d == 0) {
            return sign + "0.0";
        }
        BigDecimal shortest = shortest(Math.abs(d));
        String digits = shortest.unscaledValue().toString();
        int exponent = digits.length() - shortest.scale() - 1;
        if (exponent < -4 || exponent >= 16) {
            String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
            String power = Math.abs(exponent) < 10 ? "0" + Math.abs(exponent) : "" + Math.abs(exponent);
            return sign + digits.charAt(0) + fraction + "e" + (exponent < 0 ? "-" : "+") + power;
        }
        String plain = shortest.toPlainString();
        return sign + plain + (plain.indexOf('.') < 0 ? ".0" : "");
    }

    /** Java never writes fewer than two digits: among subnormal numbers one digit may do. */
    private static BigDecimal shortest(double d) {
        BigDecimal digits = new BigDecimal(Double.toString(d)).stripTrailingZeros();
        BigDecimal single = digits.round(new MathContext(1));
        return single.doubleValue() == d ? single.stripTrailingZeros() : digits;
    }
}
