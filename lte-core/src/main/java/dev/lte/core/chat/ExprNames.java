package dev.lte.core.chat;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** The variables that an expression reads. */
final class ExprNames {
    private ExprNames() {}

    /** Without recursion: a chain of operators may be as long as the template. */
    static void forEach(Expr expr, Consumer<String> action) {
        Deque<Expr> pending = new ArrayDeque<>(List.of(expr));
        while (!pending.isEmpty()) {
            Expr next = pending.pop();
            if (next instanceof Expr.Name(String name, int _)) {
                action.accept(name);
            } else {
                children(next).forEach(pending::push);
            }
        }
    }

    private static Stream<Expr> children(Expr expr) {
        return switch (expr) {
            case Expr.Const _, Expr.Name _ -> Stream.empty();
            case Expr.ListLiteral list -> list.items().stream();
            case Expr.TupleLiteral tuple -> tuple.items().stream();
            case Expr.DictLiteral dict -> Stream.concat(dict.keys().stream(), dict.values().stream());
            case Expr.And and -> Stream.of(and.left(), and.right());
            case Expr.Or or -> Stream.of(or.left(), or.right());
            case Expr.Not not -> Stream.of(not.operand());
            case Expr.Sign sign -> Stream.of(sign.operand());
            case Expr.Binary binary -> Stream.of(binary.left(), binary.right());
            case Expr.Concat concat -> concat.parts().stream();
            case Expr.Compare compare -> compare.operands().stream();
            case Expr.Conditional choice ->
                Stream.of(choice.test(), choice.then(), choice.otherwise()).filter(Objects::nonNull);
            case Expr.Attribute attribute -> Stream.of(attribute.target());
            case Expr.Item item -> Stream.of(item.target(), item.key());
            case Expr.Slice slice ->
                Stream.of(slice.target(), slice.start(), slice.stop(), slice.step())
                        .filter(Objects::nonNull);
            case Expr.Call call -> Stream.concat(Stream.of(call.target()), arguments(call.args()));
            case Expr.Filter filter -> Stream.concat(Stream.of(filter.input()), arguments(filter.args()));
            case Expr.Test test -> Stream.concat(Stream.of(test.input()), arguments(test.args()));
        };
    }

    private static Stream<Expr> arguments(Expr.Args args) {
        Stream<Expr> named = args.keywords().stream().map(Expr.Keyword::value);
        Stream<Expr> dynamic = Stream.of(args.star(), args.starStar()).filter(Objects::nonNull);
        return Stream.concat(Stream.concat(args.positional().stream(), named), dynamic);
    }
}
