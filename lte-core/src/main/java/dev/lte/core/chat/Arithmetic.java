package dev.lte.core.chat;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Python's {@code + - * / // % **}. Integers beyond 64 bits are refused: Python's have no bound, and a wrapped number
 * would be a wrong prompt.
 */
final class Arithmetic {
    static final int LESS = -1;
    static final int EQUAL = 0;
    static final int GREATER = 1;
    /** One of the two is not a number. */
    static final int UNORDERED = 2;

    private static final long EXACT_DOUBLE = 1L << 53;

    private final Py py;

    Arithmetic(Py py) {
        this.py = py;
    }

    static boolean isNumber(@Nullable Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean;
    }

    static int compare(Object a, Object b) {
        Long i = Py.integerOf(a);
        Long j = Py.integerOf(b);
        if (i != null && j != null) {
            return Long.compare(i, j);
        }
        double x = doubleOf(a);
        double y = doubleOf(b);
        if (Double.isNaN(x) || Double.isNaN(y)) {
            return UNORDERED;
        }
        boolean exact = (i == null || Math.abs(x) < EXACT_DOUBLE) && (j == null || Math.abs(y) < EXACT_DOUBLE);
        if (exact || Double.isInfinite(x) || Double.isInfinite(y)) {
            return x < y ? LESS : x > y ? GREATER : EQUAL;
        }
        BigDecimal left = i == null ? new BigDecimal(x) : new BigDecimal(i);
        return Integer.signum(left.compareTo(j == null ? new BigDecimal(y) : new BigDecimal(j)));
    }

    private static double doubleOf(Object number) {
        Long integer = Py.integerOf(number);
        return integer == null ? (Double) number : integer;
    }

    @Nullable
    Object apply(String operator, @Nullable Object a, @Nullable Object b) {
        if (a != null && b != null && isNumber(a) && isNumber(b)) {
            return numbers(operator, a, b);
        }
        return switch (operator) {
            case "+" -> add(a, b);
            case "*" -> b instanceof Long || b instanceof Boolean ? repeat(a, b) : repeat(b, a);
            case "%" -> {
                if (a instanceof String format) {
                    yield new PercentFormat(py).format(format, b);
                }
                throw Py.notSupported(operator, a, b);
            }
            default -> throw Py.notSupported(operator, a, b);
        };
    }

    private Object add(@Nullable Object a, @Nullable Object b) {
        if (a instanceof String s && b instanceof String t) {
            py.budget().text((long) s.length() + t.length());
            return s.concat(t);
        }
        String s = Py.textOf(a);
        String t = Py.textOf(b);
        if (s != null && t != null) {
            String left = a instanceof Values.Markup ? s : PyStrings.escapeHtml(s);
            String right = b instanceof Values.Markup ? t : PyStrings.escapeHtml(t);
            py.budget().text((long) left.length() + right.length());
            return new Values.Markup(left + right);
        }
        if (a instanceof List<?> x && b instanceof List<?> y) {
            return joined(x, y);
        }
        if (a instanceof Values.Tuple(List<?> x) && b instanceof Values.Tuple(List<?> y)) {
            return new Values.Tuple(joined(x, y));
        }
        throw Py.notSupported("+", a, b);
    }

    private List<@Nullable Object> joined(List<?> x, List<?> y) {
        py.budget().steps((long) x.size() + y.size());
        List<@Nullable Object> list = new ArrayList<>(x.size() + y.size());
        list.addAll(x);
        list.addAll(y);
        return list;
    }

    private Object repeat(@Nullable Object value, @Nullable Object times) {
        Long given = Py.integerOf(times);
        if (given == null) {
            throw Py.notSupported("*", value, times);
        }
        long count = Math.max(0, given);
        if (value instanceof String s) {
            if (count > Budget.MAX_OUTPUT_CHARS && !s.isEmpty()) {
                count = Budget.MAX_OUTPUT_CHARS + 1L;
            }
            py.budget().text(s.length() * count);
            return s.isEmpty() ? s : s.repeat((int) count);
        }
        if (value instanceof List<?> list) {
            return repeated(list, count);
        }
        if (value instanceof Values.Tuple(List<?> items)) {
            return new Values.Tuple(repeated(items, count));
        }
        throw Py.notSupported("*", value, times);
    }

    private List<@Nullable Object> repeated(List<?> list, long count) {
        long times = list.isEmpty() ? 0 : Math.min(count, Budget.MAX_STEPS + 1);
        py.budget().steps(times * list.size());
        List<@Nullable Object> result = new ArrayList<>();
        for (long i = 0; i < times; i++) {
            result.addAll(list);
        }
        return result;
    }

    private static Object numbers(String operator, Object a, Object b) {
        Long i = Py.integerOf(a);
        Long j = Py.integerOf(b);
        try {
            return i != null && j != null ? integers(operator, i, j) : floats(operator, doubleOf(a), doubleOf(b));
        } catch (ArithmeticException e) {
            throw PyError.unsupported("an integer beyond 64 bits (" + i + " " + operator + " " + j + ")");
        }
    }

    private static Object integers(String operator, long i, long j) {
        if (j == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
            throw PyError.invalid("division by zero");
        }
        return switch (operator) {
            case "+" -> Math.addExact(i, j);
            case "-" -> Math.subtractExact(i, j);
            case "*" -> Math.multiplyExact(i, j);
            case "//" -> Math.floorDivExact(i, j);
            case "%" -> Math.floorMod(i, j);
            case "/" -> {
                if (Math.absExact(i) > EXACT_DOUBLE || Math.absExact(j) > EXACT_DOUBLE) {
                    throw new ArithmeticException();
                }
                yield (double) i / j;
            }
            case "**" -> j < 0 ? floats(operator, i, j) : power(i, j);
            default -> throw new IllegalStateException(operator);
        };
    }

    private static Object power(long base, long exponent) {
        if (exponent > 64 && Math.absExact(base) > 1) {
            throw new ArithmeticException();
        }
        long times = exponent > 64 ? 2 + exponent % 2 : exponent;
        long result = 1;
        for (long k = 0; k < times; k++) {
            result = Math.multiplyExact(result, base);
        }
        return result;
    }

    private static Object floats(String operator, double x, double y) {
        if (y == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))
                || x == 0 && y < 0 && operator.equals("**")) {
            throw PyError.invalid("float division by zero");
        }
        return switch (operator) {
            case "+" -> x + y;
            case "-" -> x - y;
            case "*" -> x * y;
            case "/" -> x / y;
            case "%" -> modulo(x, y);
            case "//" -> {
                double quotient = (x - modulo(x, y)) / y;
                if (quotient == 0) {
                    yield Math.copySign(0.0, x / y);
                }
                double floor = Math.floor(quotient);
                yield quotient - floor > 0.5 ? floor + 1 : floor;
            }
            case "**" -> {
                if (x < 0 && y != Math.rint(y)) {
                    throw PyError.unsupported("a complex number");
                }
                double power = Math.pow(x, y);
                if (Double.isInfinite(power) && !Double.isInfinite(x) && !Double.isInfinite(y)) {
                    throw PyError.invalid("numerical result out of range");
                }
                yield power;
            }
            default -> throw new IllegalStateException(operator);
        };
    }

    /** The remainder with the sign of the divisor. */
    private static double modulo(double x, double y) {
        double remainder = x % y;
        if (remainder == 0) {
            return Math.copySign(0, y);
        }
        return remainder < 0 != y < 0 ? remainder + y : remainder;
    }

    static Object negate(@Nullable Object value) {
        if (value instanceof Double d) {
            return -d;
        }
        Long integer = Py.integerOf(value);
        if (integer == null) {
            throw Py.notSupported("unary -", value, null);
        }
        if (integer == Long.MIN_VALUE) {
            throw PyError.unsupported("an integer beyond 64 bits");
        }
        return -integer;
    }
}
