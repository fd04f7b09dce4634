package dev.lte.core.chat;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The filters {@code int}, {@code float}, {@code round} and {@code abs}. */
final class NumberFilters {
    static final Set<String> NAMES = Set.of("int", "float", "round", "abs");

    private static final Pattern INTEGER = Pattern.compile("[+-]?[0-9]+(_[0-9]+)*+");
    private static final Pattern FLOAT = Pattern.compile("[+-]?([0-9]++\\.?[0-9]*+|\\.[0-9]++)([eE][+-]?[0-9]++)?");
    private static final Pattern SPECIAL = Pattern.compile("(?i)[+-]?(inf|infinity|nan)");
    private static final int MAX_DIGITS = 400;

    private final Py py;

    NumberFilters(Py py) {
        this.py = py;
    }

    @Nullable
    Object apply(String name, @Nullable Object input, Arguments arguments) {
        if (input instanceof Values.Undefined(String problem)) {
            throw PyError.invalid(problem);
        }
        return switch (name) {
            case "int" -> {
                Arguments.Bound bound = arguments.bind(name, 0, "default", "base");
                if (bound.integer(1, 10) != 10) {
                    throw PyError.unsupported("the filter int with another base than 10");
                }
                yield toInt(input, bound.get(0, 0L));
            }
            case "float" -> {
                Object fallback = arguments.bind(name, 0, "default").get(0, 0.0);
                Double value = toFloat(input);
                yield value == null ? fallback : value;
            }
            case "round" -> round(input, arguments.bind(name, 0, "precision", "method"));
            case "abs" -> {
                arguments.bind(name, 0);
                if (input instanceof Double d) {
                    yield Math.abs(d);
                }
                Long integer = Py.integerOf(input);
                if (integer == null) {
                    throw PyError.invalid("bad operand type for abs(): '" + Py.typeName(input) + "'");
                }
                yield integer < 0 ? Arithmetic.negate(integer) : integer;
            }
            default -> throw new IllegalStateException(name);
        };
    }

    private @Nullable Object toInt(@Nullable Object input, @Nullable Object fallback) {
        Long integer = Py.integerOf(input);
        if (integer != null) {
            return integer;
        }
        String text = input instanceof String s ? trimmed(s) : null;
        if (text != null && text.length() <= MAX_DIGITS && INTEGER.matcher(text).matches()) {
            try {
                return Long.parseLong(text.replace("_", ""));
            } catch (NumberFormatException e) {
                throw PyError.unsupported("an integer beyond 64 bits");
            }
        }
        Double value = toFloat(input);
        if (value == null || value.isNaN() || value.isInfinite()) {
            return fallback;
        }
        if (Math.abs(value) >= 0x1p63) {
            throw PyError.unsupported("an integer beyond 64 bits");
        }
        return (long) (double) value;
    }

    private @Nullable Double toFloat(@Nullable Object input) {
        if (input instanceof Double d) {
            return d;
        }
        Long integer = Py.integerOf(input);
        if (integer != null) {
            return (double) integer;
        }
        if (!(input instanceof String s)) {
            return null;
        }
        String text = trimmed(s);
        if (SPECIAL.matcher(text).matches()) {
            boolean negative = text.startsWith("-");
            return PyStrings.lower(text).endsWith("nan")
                    ? Double.NaN
                    : negative ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        }
        String plain = text.length() > MAX_DIGITS ? "" : text.replaceAll("(?<=[0-9])_(?=[0-9])", "");
        return FLOAT.matcher(plain).matches() ? Double.valueOf(plain) : null;
    }

    private String trimmed(String s) {
        py.budget().read(s.length());
        String text = PyStrings.strip(s, null, true, true);
        if (text.length() > MAX_DIGITS && text.chars().allMatch(c -> "+-._eE0123456789".indexOf(c) >= 0)) {
            throw PyError.unsupported("a number of more than " + MAX_DIGITS + " digits");
        }
        if (!text.isEmpty() && text.codePoints().anyMatch(c -> c > 0x7f && Character.isDigit(c))) {
            throw PyError.unsupported("digits beyond ASCII");
        }
        return text;
    }

    private Object round(@Nullable Object input, Arguments.Bound bound) {
        py.budget().steps(10);
        long precision = bound.integer(0, 0);
        String method = bound.text(1, "common");
        if (!Arithmetic.isNumber(input)) {
            throw PyError.invalid("type " + Py.typeName(input) + " doesn't define __round__ method");
        }
        if (precision < 0 || precision > 300) {
            throw PyError.unsupported("the filter round with a precision of " + precision);
        }
        Long integer = Py.integerOf(input);
        double value = input instanceof Double d ? d : (double) Objects.requireNonNull(integer);
        double scale = Math.pow(10, precision);
        switch (method) {
            case "common" -> {
                if (integer != null) {
                    return integer;
                }
                return Double.isNaN(value) || Double.isInfinite(value)
                        ? value
                        : Math.copySign(
                                new BigDecimal(value)
                                        .setScale((int) precision, RoundingMode.HALF_EVEN)
                                        .doubleValue(),
                                value);
            }
            case "ceil", "floor" -> {
                if (Double.isNaN(value) || Double.isInfinite(value) || Math.abs(value * scale) > 1L << 53) {
                    throw PyError.unsupported("rounding of " + PyText.number(value));
                }
                double whole = method.equals("ceil") ? Math.ceil(value * scale) : Math.floor(value * scale);
                return (whole == 0 ? 0.0 : whole) / scale;
            }
            default -> throw PyError.invalid("method must be common, ceil or floor");
        }
    }
}
