package dev.lte.core.chat;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Jinja's tests: what may follow {@code is}, and what {@code select} and its kin take by name. */
final class Tests {
    private static final Set<String> UNARY = Set.of(
            "defined",
            "undefined",
            "none",
            "string",
            "number",
            "integer",
            "float",
            "boolean",
            "true",
            "false",
            "mapping",
            "iterable",
            "sequence",
            "callable",
            "odd",
            "even",
            "lower",
            "upper",
            "escaped");
    private static final Set<String> BINARY = Set.of(
            "==",
            "eq",
            "equalto",
            "!=",
            "ne",
            "<",
            "lt",
            "lessthan",
            "<=",
            "le",
            ">",
            "gt",
            "greaterthan",
            ">=",
            "ge",
            "in",
            "divisibleby",
            "sameas");

    private final Py py;
    private final Arithmetic arithmetic;

    Tests(Py py) {
        this.py = py;
        this.arithmetic = new Arithmetic(py);
    }

    static boolean isKnown(String name) {
        return UNARY.contains(name) || BINARY.contains(name);
    }

    boolean apply(String name, @Nullable Object value, Arguments arguments) {
        py.budget().step();
        if (UNARY.contains(name)) {
            arguments.bind(name, 0);
            return unary(name, value);
        }
        return binary(name, value, arguments.bind(name, 1, "other").get(0));
    }

    private boolean unary(String name, @Nullable Object value) {
        return switch (name) {
            case "defined" -> !(value instanceof Values.Undefined);
            case "undefined" -> value instanceof Values.Undefined;
            case "none" -> value == null;
            case "string" -> Py.textOf(value) != null;
            case "number" -> Arithmetic.isNumber(value);
            case "integer" -> value instanceof Long;
            case "float" -> value instanceof Double;
            case "boolean" -> value instanceof Boolean;
            case "true" -> Boolean.TRUE.equals(value);
            case "false" -> Boolean.FALSE.equals(value);
            case "mapping" -> value instanceof Map<?, ?>;
            case "iterable" -> py.isIterable(value);
            case "sequence" ->
                py.isIterable(value)
                        && !(value instanceof Values.View
                                || value instanceof Values.OneShot
                                || value instanceof LoopState);
            case "callable" ->
                value instanceof Values.Function || value instanceof Values.Undefined || value instanceof LoopState;
            case "odd" -> py.equal(arithmetic.apply("%", value, 2L), 1L);
            case "even" -> py.equal(arithmetic.apply("%", value, 2L), 0L);
            case "lower" -> PyStrings.isLower(py.str(value));
            case "upper" -> PyStrings.isUpper(py.str(value));
            case "escaped" -> value instanceof Values.Markup;
            default -> throw new IllegalStateException(name);
        };
    }

    private boolean binary(String name, @Nullable Object a, @Nullable Object b) {
        return switch (name) {
            case "==", "eq", "equalto" -> py.equal(a, b);
            case "!=", "ne" -> !py.equal(a, b);
            case "<", "lt", "lessthan" -> py.lessThan(a, b, "<");
            case "<=", "le" -> py.lessOrEqual(a, b, "<=");
            case ">", "gt", "greaterthan" -> py.lessThan(b, a, ">");
            case ">=", "ge" -> py.lessOrEqual(b, a, ">=");
            case "in" -> py.contains(b, a);
            case "divisibleby" -> py.equal(arithmetic.apply("%", a, b), 0L);
            case "sameas" -> {
                if (a == null || b == null || a instanceof Boolean || b instanceof Boolean) {
                    yield a == null ? b == null : a.equals(b);
                }
                throw PyError.unsupported("the test sameas of other values than true, false and none");
            }
            default -> throw new IllegalStateException(name);
        };
    }
}
