package dev.lte.core.chat;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Expressions, one record a form; names follow jinja2's own nodes. */
sealed interface Expr {
    int line();

    record Const(@Nullable Object value, int line) implements Expr {}

    record Name(String name, int line) implements Expr {}

    record ListLiteral(List<Expr> items, int line) implements Expr {}

    record TupleLiteral(List<Expr> items, int line) implements Expr {}

    record DictLiteral(List<Expr> keys, List<Expr> values, int line) implements Expr {}

    record And(Expr left, Expr right, int line) implements Expr {}

    record Or(Expr left, Expr right, int line) implements Expr {}

    record Not(Expr operand, int line) implements Expr {}

    /** {@code -x} or {@code +x}. */
    record Sign(boolean negative, Expr operand, int line) implements Expr {}

    /** Arithmetic: {@code + - * / // % **}. */
    record Binary(String operator, Expr left, Expr right, int line) implements Expr {}

    /** {@code a ~ b ~ c}. */
    record Concat(List<Expr> parts, int line) implements Expr {}

    /**
     * {@code a < b <= c}, also with {@code in} and {@code not in}; {@code operands} has one more than {@code
     * operators}.
     */
    record Compare(List<Expr> operands, List<String> operators, int line) implements Expr {}

    record Conditional(Expr test, Expr then, @Nullable Expr otherwise, int line) implements Expr {}

    record Attribute(Expr target, String name, int line) implements Expr {}

    record Item(Expr target, Expr key, int line) implements Expr {}

    record Slice(
            Expr target,
            @Nullable Expr start,
            @Nullable Expr stop,
            @Nullable Expr step,
            int line) implements Expr {}

    record Call(Expr target, Args args, int line) implements Expr {}

    record Filter(Expr input, String name, Args args, int line) implements Expr {}

    record Test(Expr input, String name, Args args, int line) implements Expr {}

    /**
     * Arguments of a call, filter or test.
     *
     * @param star the sequence of {@code *args}
     * @param starStar the dict of {@code **kwargs}
     */
    record Args(
            List<Expr> positional,
            List<Keyword> keywords,
            @Nullable Expr star,
            @Nullable Expr starStar) {
        static final Args NONE = new Args(List.of(), List.of(), null, null);
    }

    record Keyword(String name, Expr value) {}
}
