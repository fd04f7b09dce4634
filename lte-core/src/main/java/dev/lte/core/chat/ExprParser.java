package dev.lte.core.chat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Expressions by recursive descent, with the precedence and the quirks of jinja2's parser. */
final class ExprParser {
    private static final int MAX_DEPTH = 100;
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private final TokenStream stream;
    private final Set<String> namesRead = new HashSet<>();
    private int depth;

    ExprParser(TokenStream stream) {
        this.stream = stream;
    }

    /** Names that expressions parsed so far refer to. */
    Set<String> namesRead() {
        return namesRead;
    }

    Expr expression() {
        return expression(true);
    }

    Expr expression(boolean withConditional) {
        enter();
        Expr expr = withConditional ? conditional() : or();
        depth--;
        return expr;
    }

    /** An expression, or a tuple where commas follow. */
    Expr tuple(boolean withConditional, boolean parenthesised) {
        int line = stream.line();
        List<Expr> items = new ArrayList<>();
        boolean isTuple = false;
        while (!atTupleEnd()) {
            items.add(expression(withConditional));
            if (!stream.skipOperator(",")) {
                break;
            }
            isTuple = true;
        }
        if (!isTuple && items.size() == 1) {
            return items.get(0);
        }
        if (!isTuple && !parenthesised) {
            throw stream.unexpected("an expression");
        }
        return new Expr.TupleLiteral(List.copyOf(items), line);
    }

    private boolean atTupleEnd() {
        return stream.at(Token.Type.VARIABLE_END) || stream.at(Token.Type.BLOCK_END) || stream.atOperator(")");
    }

    private void enter() {
        if (++depth > MAX_DEPTH) {
            throw Problems.unsupported(stream.line(), "nesting deeper than " + MAX_DEPTH);
        }
    }

    private Expr conditional() {
        int line = stream.line();
        Expr expr = or();
        while (stream.skipName("if")) {
            Expr test = or();
            Expr otherwise = null;
            if (stream.skipName("else")) {
                enter();
                otherwise = conditional();
                depth--;
            }
            expr = new Expr.Conditional(test, expr, otherwise, line);
        }
        return expr;
    }

    private Expr or() {
        Expr left = and();
        while (stream.atName("or")) {
            int line = stream.take().line();
            left = new Expr.Or(left, and(), line);
        }
        return left;
    }

    private Expr and() {
        Expr left = not();
        while (stream.atName("and")) {
            int line = stream.take().line();
            left = new Expr.And(left, not(), line);
        }
        return left;
    }

    private Expr not() {
        if (!stream.atName("not")) {
            return comparison();
        }
        int line = stream.take().line();
        enter();
        Expr operand = not();
        depth--;
        return new Expr.Not(operand, line);
    }

    private Expr comparison() {
        int line = stream.line();
        Expr first = sum();
        List<Expr> operands = new ArrayList<>(List.of(first));
        List<String> operators = new ArrayList<>();
        while (true) {
            if (stream.at(Token.Type.OPERATOR)
                    && COMPARISONS.contains(stream.current().text())) {
                operators.add(stream.take().text());
            } else if (stream.skipName("in")) {
                operators.add("in");
            } else if (stream.atName("not") && stream.look().isName("in")) {
                stream.take();
                stream.take();
                operators.add("not in");
            } else {
                break;
            }
            operands.add(sum());
        }
        return operators.isEmpty() ? first : new Expr.Compare(List.copyOf(operands), List.copyOf(operators), line);
    }

    private Expr sum() {
        Expr left = concat();
        while (stream.atOperator("+") || stream.atOperator("-")) {
            Token operator = stream.take();
            left = new Expr.Binary(operator.text(), left, concat(), operator.line());
        }
        return left;
    }

    private Expr concat() {
        int line = stream.line();
        Expr first = product();
        if (!stream.atOperator("~")) {
            return first;
        }
        List<Expr> parts = new ArrayList<>(List.of(first));
        while (stream.skipOperator("~")) {
            parts.add(product());
        }
        return new Expr.Concat(List.copyOf(parts), line);
    }

    private Expr product() {
        Expr left = power();
        while (stream.atOperator("*") || stream.atOperator("/") || stream.atOperator("//") || stream.atOperator("%")) {
            Token operator = stream.take();
            left = new Expr.Binary(operator.text(), left, power(), operator.line());
        }
        return left;
    }

    /** Unlike Python's, {@code **} of Jinja groups from the left. */
    private Expr power() {
        Expr left = unary(true);
        while (stream.atOperator("**")) {
            int line = stream.take().line();
            left = new Expr.Binary("**", left, unary(true), line);
        }
        return left;
    }

    private Expr unary(boolean withFilter) {
        Expr expr;
        if (stream.atOperator("-") || stream.atOperator("+")) {
            Token sign = stream.take();
            enter();
            expr = new Expr.Sign(sign.text().equals("-"), unary(false), sign.line());
            depth--;
        } else {
            expr = primary();
        }
        expr = postfix(expr);
        return withFilter ? filters(expr) : expr;
    }

    Expr primary() {
        Token token = stream.current();
        switch (token.type()) {
            case NAME -> {
                stream.take();
                return name(token);
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (stream.at(Token.Type.STRING)) {
                    text.append(stream.take().text());
                }
                return new Expr.Const(text.toString(), token.line());
            }
            case INTEGER, FLOAT -> {
                stream.take();
                return new Expr.Const(token.value(), token.line());
            }
            case OPERATOR -> {
                return bracketed(token);
            }
            default -> throw stream.unexpected("an expression");
        }
    }

    private Expr name(Token token) {
        switch (token.text()) {
            case "true", "True" -> {
                return new Expr.Const(true, token.line());
            }
            case "false", "False" -> {
                return new Expr.Const(false, token.line());
            }
            case "none", "None" -> {
                return new Expr.Const(null, token.line());
            }
            default -> {
                namesRead.add(token.text());
                return new Expr.Name(token.text(), token.line());
            }
        }
    }

    private Expr bracketed(Token token) {
        switch (token.text()) {
            case "(" -> {
                stream.take();
                Expr inner = tuple(true, true);
                stream.expectOperator(")");
                return inner;
            }
            case "[" -> {
                stream.take();
                List<Expr> items = new ArrayList<>();
                while (!stream.atOperator("]")) {
                    items.add(expression());
                    if (!stream.skipOperator(",")) {
                        break;
                    }
                }
                stream.expectOperator("]");
                return new Expr.ListLiteral(List.copyOf(items), token.line());
            }
            case "{" -> {
                stream.take();
                return dict(token.line());
            }
            default -> throw stream.unexpected("an expression");
        }
    }

    private Expr dict(int line) {
        List<Expr> keys = new ArrayList<>();
        List<Expr> values = new ArrayList<>();
        while (!stream.atOperator("}")) {
            keys.add(expression());
            stream.expectOperator(":");
            values.add(expression());
            if (!stream.skipOperator(",")) {
                break;
            }
        }
        stream.expectOperator("}");
        return new Expr.DictLiteral(List.copyOf(keys), List.copyOf(values), line);
    }

    Expr postfix(Expr start) {
        Expr expr = start;
        while (true) {
            if (stream.atOperator(".")) {
                expr = attribute(expr);
            } else if (stream.atOperator("[")) {
                expr = subscript(expr);
            } else if (stream.atOperator("(")) {
                expr = call(expr);
            } else {
                return expr;
            }
        }
    }

    private Expr call(Expr target) {
        int line = stream.line();
        if (target instanceof Expr.Name name && Globals.UNSUPPORTED.contains(name.name())) {
            throw Problems.unsupported(line, "the global " + name.name());
        }
        if (target instanceof Expr.Attribute method && PyAttributes.isUnsupportedMethod(method.name())) {
            throw Problems.unsupported(line, "the method " + method.name());
        }
        return new Expr.Call(target, arguments(), line);
    }

    private Expr attribute(Expr target) {
        int line = stream.take().line();
        if (stream.at(Token.Type.INTEGER)) {
            Token index = stream.take();
            return new Expr.Item(target, new Expr.Const(index.value(), index.line()), line);
        }
        String name =
                stream.expect(Token.Type.NAME, "a name or number after '.'").text();
        if (PyAttributes.isInternal(name)) {
            throw Problems.unsupported(line, "the attribute " + name);
        }
        return new Expr.Attribute(target, name, line);
    }

    private Expr subscript(Expr target) {
        int line = stream.take().line();
        Expr start = stream.atOperator(":") ? null : expression();
        Expr result;
        if (stream.skipOperator(":")) {
            Expr stop = atSliceEnd() || stream.atOperator(":") ? null : expression();
            Expr step = stream.skipOperator(":") && !atSliceEnd() ? expression() : null;
            result = new Expr.Slice(target, start, stop, step, line);
        } else {
            result = new Expr.Item(target, Objects.requireNonNull(start), line); // only a slice has no start
        }
        if (stream.atOperator(",")) {
            throw Problems.unsupported(line, "a subscript with a comma");
        }
        stream.expectOperator("]");
        return result;
    }

    private boolean atSliceEnd() {
        return stream.atOperator("]") || stream.atOperator(",");
    }

    private Expr.Args arguments() {
        stream.expectOperator("(");
        List<Expr> positional = new ArrayList<>();
        List<Expr.Keyword> keywords = new ArrayList<>();
        Expr star = null;
        Expr starStar = null;
        while (!stream.atOperator(")")) {
            if (stream.atOperator("*") && star == null && starStar == null) {
                stream.take();
                star = expression();
            } else if (stream.atOperator("**") && starStar == null) {
                stream.take();
                starStar = expression();
            } else if (stream.at(Token.Type.NAME) && stream.look().isOperator("=") && starStar == null) {
                String name = stream.take().text();
                stream.take();
                keywords.add(new Expr.Keyword(name, expression()));
            } else if (star == null && starStar == null && keywords.isEmpty()) {
                positional.add(expression());
            } else {
                throw stream.unexpected("arguments in the order: by position, by name, *args, **kwargs");
            }
            if (!stream.skipOperator(",")) {
                break;
            }
        }
        stream.expectOperator(")");
        return new Expr.Args(List.copyOf(positional), List.copyOf(keywords), star, starStar);
    }

    private Expr filters(Expr start) {
        Expr expr = start;
        while (true) {
            if (stream.atOperator("|")) {
                stream.take();
                expr = filter(expr);
            } else if (stream.atName("is")) {
                expr = test(expr);
            } else if (stream.atOperator("(")) {
                expr = call(expr);
            } else {
                return expr;
            }
        }
    }

    /** One filter, whose {@code |} has been passed, applied to {@code input}. */
    Expr filter(Expr input) {
        Token name = stream.expect(Token.Type.NAME, "the name of a filter");
        if (!Filters.isKnown(name.text())) {
            throw Problems.unsupported(name.line(), "the filter " + name.text());
        }
        Expr.Args args = stream.atOperator("(") ? arguments() : Expr.Args.NONE;
        checkNamed(name.text(), args, name.line());
        return new Expr.Filter(input, name.text(), args, name.line());
    }

    /** Filters and tests named by a literal, as in {@code map('upper')}, are checked like those written out. */
    private static void checkNamed(String filter, Expr.Args args, int line) {
        if (filter.equals("map") && !args.positional().isEmpty()) {
            checkKnown(args.positional().get(0), "filter", line);
        } else if (filter.equals("select") || filter.equals("reject")) {
            checkKnown(args.positional().isEmpty() ? null : args.positional().get(0), "test", line);
        } else if (filter.equals("selectattr") || filter.equals("rejectattr")) {
            checkKnown(args.positional().size() < 2 ? null : args.positional().get(1), "test", line);
        }
    }

    private static void checkKnown(@Nullable Expr name, String kind, int line) {
        if (name instanceof Expr.Const(Object value, int _)
                && value instanceof String text
                && !(kind.equals("test") ? Tests.isKnown(text) : Filters.isKnown(text))) {
            throw Problems.unsupported(line, "the " + kind + " " + text);
        }
    }

    private Expr test(Expr input) {
        int line = stream.take().line();
        boolean negated = stream.skipName("not");
        Token name = stream.expect(Token.Type.NAME, "the name of a test");
        if (!Tests.isKnown(name.text())) {
            throw Problems.unsupported(name.line(), "the test " + name.text());
        }
        Expr.Args args = Expr.Args.NONE;
        if (stream.atOperator("(")) {
            args = arguments();
        } else if (atTestArgument()) {
            if (stream.atName("is")) {
                throw Problems.syntax(line, "one test after 'is'", "a chain of tests");
            }
            enter();
            args = new Expr.Args(List.of(postfix(primary())), List.of(), null, null);
            depth--;
        }
        Expr test = new Expr.Test(input, name.text(), args, line);
        return negated ? new Expr.Not(test, line) : test;
    }

    private boolean atTestArgument() {
        Token token = stream.current();
        return switch (token.type()) {
            case NAME -> !token.isName("else") && !token.isName("or") && !token.isName("and");
            case STRING, INTEGER, FLOAT -> true;
            case OPERATOR -> token.isOperator("[") || token.isOperator("{");
            default -> false;
        };
    }
}
