package dev.lte.core.chat;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Values of expressions. */
final class Evaluator {
    private final Py py;
    private final PyAttributes attributes;
    private final Arithmetic arithmetic;
    private final Filters filters;
    private final Tests tests;
    private int line = 1;

    Evaluator(Py py) {
        this.py = py;
        this.attributes = new PyAttributes(py);
        this.arithmetic = new Arithmetic(py);
        this.filters = new Filters(py, attributes);
        this.tests = new Tests(py);
    }

    /** The line of the template that was last begun. */
    int line() {
        return line;
    }

    void at(int newLine) {
        line = newLine;
    }

    @Nullable
    Object evaluate(Expr expr, Values.Scope scope) {
        py.budget().step();
        py.budget().enter();
        line = expr.line();
        Object value = switch (expr) {
            case Expr.Const(Object constant, int _) -> constant;
            case Expr.Name(String name, int _) -> scope.get(name);
            case Expr.ListLiteral(List<Expr> items, int _) -> all(items, scope);
            case Expr.TupleLiteral(List<Expr> items, int _) -> new Values.Tuple(all(items, scope));
            case Expr.DictLiteral dict -> dict(dict, scope);
            case Expr.And(Expr left, Expr right, int _) -> {
                Object first = evaluate(left, scope);
                yield py.truth(first) ? evaluate(right, scope) : first;
            }
            case Expr.Or(Expr left, Expr right, int _) -> {
                Object first = evaluate(left, scope);
                yield py.truth(first) ? first : evaluate(right, scope);
            }
            case Expr.Not(Expr operand, int _) -> !py.truth(evaluate(operand, scope));
            case Expr.Sign(boolean negative, Expr operand, int _) -> sign(negative, evaluate(operand, scope));
            case Expr.Binary(String operator, Expr left, Expr right, int at) -> {
                Object a = evaluate(left, scope);
                Object b = evaluate(right, scope);
                line = at;
                yield arithmetic.apply(operator, a, b);
            }
            case Expr.Concat(List<Expr> parts, int _) -> concat(parts, scope);
            case Expr.Compare compare -> compare(compare, scope);
            case Expr.Conditional(Expr test, Expr then, Expr otherwise, int at) -> {
                if (py.truth(evaluate(test, scope))) {
                    yield evaluate(then, scope);
                }
                yield otherwise == null
                        ? new Values.Undefined("the inline if-expression on line " + at + " has no else section")
                        : evaluate(otherwise, scope);
            }
            case Expr.Attribute(Expr target, String name, int at) -> {
                Object owner = evaluate(target, scope);
                line = at;
                yield attributes.attribute(owner, name);
            }
            case Expr.Item(Expr target, Expr key, int at) -> {
                Object owner = evaluate(target, scope);
                Object index = evaluate(key, scope);
                line = at;
                yield attributes.item(owner, index);
            }
            case Expr.Slice(Expr target, Expr start, Expr stop, Expr step, int _) ->
                attributes.slice(
                        evaluate(target, scope),
                        start == null ? null : evaluate(start, scope),
                        stop == null ? null : evaluate(stop, scope),
                        step == null ? null : evaluate(step, scope));
            case Expr.Call call -> call(call, scope, null);
            case Expr.Filter(Expr input, String name, Expr.Args args, int at) -> {
                Object value0 = evaluate(input, scope);
                Arguments arguments = arguments(args, scope, null);
                line = at;
                yield filters.apply(name, value0, arguments);
            }
            case Expr.Test(Expr input, String name, Expr.Args args, int at) -> {
                Object value0 = evaluate(input, scope);
                Arguments arguments = arguments(args, scope, null);
                line = at;
                yield tests.apply(name, value0, arguments);
            }
        };
        py.budget().exit();
        return value;
    }

    private List<@Nullable Object> all(List<Expr> items, Values.Scope scope) {
        List<@Nullable Object> values = new ArrayList<>(items.size());
        for (Expr item : items) {
            values.add(evaluate(item, scope));
        }
        return values;
    }

    private Object dict(Expr.DictLiteral literal, Values.Scope scope) {
        Map<@Nullable Object, @Nullable Object> dict = new LinkedHashMap<>();
        for (int i = 0; i < literal.keys().size(); i++) {
            Object key = evaluate(literal.keys().get(i), scope);
            PyDict.put(py, dict, key, evaluate(literal.values().get(i), scope));
        }
        return dict;
    }

    private static Object sign(boolean negative, @Nullable Object value) {
        if (!Arithmetic.isNumber(value)) {
            throw Py.notSupported(negative ? "unary -" : "unary +", value, null);
        }
        Long integer = Py.integerOf(value);
        return negative ? Arithmetic.negate(value) : integer == null ? Objects.requireNonNull(value) : integer;
    }

    private String concat(List<Expr> parts, Values.Scope scope) {
        StringBuilder out = new StringBuilder();
        for (Expr part : parts) {
            String text = py.str(evaluate(part, scope));
            py.budget().text((long) out.length() + text.length());
            out.append(text);
        }
        return out.toString();
    }

    private Object compare(Expr.Compare compare, Values.Scope scope) {
        Object left = evaluate(compare.operands().get(0), scope);
        for (int i = 0; i < compare.operators().size(); i++) {
            Object right = evaluate(compare.operands().get(i + 1), scope);
            line = compare.line();
            boolean holds = switch (compare.operators().get(i)) {
                case "==" -> py.equal(left, right);
                case "!=" -> !py.equal(left, right);
                case "<" -> py.lessThan(left, right, "<");
                case "<=" -> py.lessOrEqual(left, right, "<=");
                case ">" -> py.lessThan(right, left, ">");
                case ">=" -> py.lessOrEqual(right, left, ">=");
                case "in" -> py.contains(right, left);
                case "not in" -> !py.contains(right, left);
                default -> throw new IllegalStateException(compare.operators().get(i));
            };
            if (!holds) {
                return false;
            }
            left = right;
        }
        return true;
    }

    /** @param caller the body of a call block, handed over as the argument {@code caller} */
    @Nullable
    Object call(Expr.Call call, Values.Scope scope, Values.@Nullable Function caller) {
        Object target = evaluate(call.target(), scope);
        Arguments arguments = arguments(call.args(), scope, caller);
        line = call.line();
        return switch (target) {
            case Values.Function function -> function.call(arguments);
            case Values.Undefined(String problem) -> throw PyError.invalid(problem);
            case null, default -> throw PyError.invalid("'" + Py.typeName(target) + "' object is not callable");
        };
    }

    private Arguments arguments(Expr.Args args, Values.Scope scope, Values.@Nullable Function caller) {
        if (args == Expr.Args.NONE && caller == null) {
            return Arguments.NONE;
        }
        List<@Nullable Object> positional = all(args.positional(), scope);
        Map<String, @Nullable Object> named = new LinkedHashMap<>();
        for (Expr.Keyword keyword : args.keywords()) {
            if (named.containsKey(keyword.name())) {
                throw PyError.invalid("keyword argument repeated: " + keyword.name());
            }
            named.put(keyword.name(), evaluate(keyword.value(), scope));
        }
        if (args.star() != null) {
            for (Iterator<@Nullable Object> i = py.iterate(evaluate(args.star(), scope)); i.hasNext(); ) {
                positional.add(i.next());
            }
        }
        if (args.starStar() != null) {
            if (!(evaluate(args.starStar(), scope) instanceof Map<?, ?> map)) {
                throw PyError.invalid("argument after ** must be a mapping");
            }
            map.forEach((key, value) -> {
                if (!(key instanceof String name) || named.containsKey(name)) {
                    throw PyError.invalid("argument after ** has a key that is no name or is given twice");
                }
                named.put(name, value);
            });
        }
        if (caller != null) {
            named.put("caller", caller);
        }
        return new Arguments(positional, named);
    }
}
