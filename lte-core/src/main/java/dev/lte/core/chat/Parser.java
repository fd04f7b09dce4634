package dev.lte.core.chat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/** Statements. Tags that would read another template or run code of an extension are refused by name. */
final class Parser {
    private static final int MAX_DEPTH = 60;
    private static final Set<String> CONSTANTS = Set.of("true", "false", "True", "False", "none", "None");

    private final TokenStream stream;
    private final ExprParser expressions;
    private int depth;
    private int loops;

    private Parser(TokenStream stream) {
        this.stream = stream;
        this.expressions = new ExprParser(stream);
    }

    static List<Stmt> parse(String source) {
        Parser parser = new Parser(new TokenStream(Lexer.tokenize(source)));
        return parser.statements(Set.of());
    }

    /** Statements up to a tag of {@code ends}, whose name is then the current token; without ends, up to the end. */
    private List<Stmt> statements(Set<String> ends) {
        List<Stmt> body = new ArrayList<>();
        while (true) {
            Token token = stream.take();
            switch (token.type()) {
                case DATA -> body.add(new Stmt.Text(token.text(), token.line()));
                case VARIABLE_BEGIN -> {
                    body.add(new Stmt.Print(expressions.tuple(true, false), token.line()));
                    stream.expect(Token.Type.VARIABLE_END, "'}}'");
                }
                case BLOCK_BEGIN -> {
                    if (stream.at(Token.Type.NAME)
                            && ends.contains(stream.current().text())) {
                        return List.copyOf(body);
                    }
                    body.add(statement());
                    stream.expect(Token.Type.BLOCK_END, "'%}'");
                }
                default -> {
                    if (!ends.isEmpty()) {
                        throw Problems.syntax(
                                token.line(),
                                "one of the tags " + ends.stream().sorted().toList(),
                                "the end");
                    }
                    return List.copyOf(body);
                }
            }
        }
    }

    /** A tag's body: the rest of the opening tag, statements, and with one end also the name of the closing tag. */
    private List<Stmt> body(String... ends) {
        stream.skipOperator(":");
        stream.expect(Token.Type.BLOCK_END, "'%}'");
        if (++depth > MAX_DEPTH) {
            throw Problems.unsupported(stream.line(), "nesting of tags deeper than " + MAX_DEPTH);
        }
        List<Stmt> statements = statements(Set.of(ends));
        depth--;
        if (ends.length == 1) {
            stream.take();
        }
        return statements;
    }

    private Stmt statement() {
        Token tag = stream.expect(Token.Type.NAME, "the name of a tag");
        int line = tag.line();
        return switch (tag.text()) {
            case "if" -> ifStatement(line);
            case "for" -> forStatement(line);
            case "set" -> setStatement(line);
            case "macro" -> macroStatement(line);
            case "call" -> callBlock(line);
            case "filter" -> filterBlock(line);
            case "with" -> withStatement(line);
            case "print" -> printStatement(line);
            case "generation" -> new Stmt.Generation(outsideLoops(() -> body("endgeneration")), line);
            case "break" -> new Stmt.Break(requireLoop(line, "break"));
            case "continue" -> new Stmt.Continue(requireLoop(line, "continue"));
            case "else",
                    "elif",
                    "endif",
                    "endfor",
                    "endset",
                    "endmacro",
                    "endcall",
                    "endfilter",
                    "endwith",
                    "endgeneration" -> throw Problems.syntax(line, "a tag that opens a block", "'" + tag.text() + "'");
            default -> throw Problems.unsupported(line, "the tag " + tag.text());
        };
    }

    private Stmt printStatement(int line) {
        Expr value = expressions.expression();
        if (stream.atOperator(",")) {
            throw Problems.unsupported(line, "the tag print with several values");
        }
        return new Stmt.Print(value, line);
    }

    private int requireLoop(int line, String tag) {
        if (loops == 0) {
            throw Problems.syntax(line, "a loop around '" + tag + "'", "none");
        }
        return line;
    }

    /** Macros and blocks that become functions hide the loop around them from {@code break}. */
    private <T> T outsideLoops(Supplier<T> parse) {
        int saved = loops;
        loops = 0;
        T result = parse.get();
        loops = saved;
        return result;
    }

    private Stmt ifStatement(int line) {
        List<Stmt.Branch> branches = new ArrayList<>();
        while (true) {
            Expr test = expressions.tuple(false, false);
            branches.add(new Stmt.Branch(test, body("elif", "else", "endif")));
            Token next = stream.take();
            if (!next.isName("elif")) {
                List<Stmt> otherwise = next.isName("else") ? body("endif") : List.of();
                return new Stmt.If(List.copyOf(branches), otherwise, line);
            }
        }
    }

    private Stmt forStatement(int line) {
        Stmt.Target target = target(false);
        stream.expectName("in");
        if (mentions(target, "loop")) {
            throw Problems.syntax(line, "a loop variable", "the reserved name 'loop'");
        }
        Expr sequence = expressions.tuple(false, false);
        Expr filter = stream.skipName("if") ? expressions.expression() : null;
        if (stream.atName("recursive")) {
            throw Problems.unsupported(line, "a recursive loop");
        }
        loops++;
        List<Stmt> body = body("endfor", "else");
        loops--;
        List<Stmt> otherwise = stream.take().isName("else") ? body("endfor") : List.of();
        return new Stmt.For(target, sequence, filter, body, otherwise, line);
    }

    private static boolean mentions(Stmt.Target target, String name) {
        return switch (target) {
            case Stmt.Target.Name(String n) -> n.equals(name);
            case Stmt.Target.Unpack(List<Stmt.Target> targets) ->
                targets.stream().anyMatch(t -> mentions(t, name));
            case Stmt.Target.NamespaceAttribute _ -> false;
        };
    }

    private Stmt setStatement(int line) {
        Stmt.Target target = target(true);
        if (loops > 0 && mentions(target, "loop")) {
            throw Problems.syntax(line, "a variable", "the reserved name 'loop'");
        }
        if (stream.skipOperator("=")) {
            return new Stmt.Set(target, expressions.tuple(true, false), line);
        }
        Expr value = new Expr.Name(Stmt.CAPTURED, line);
        while (stream.skipOperator("|")) {
            value = expressions.filter(value);
        }
        return new Stmt.SetBlock(target, value, outsideLoops(() -> body("endset")), line);
    }

    private Stmt filterBlock(int line) {
        Expr value = expressions.filter(new Expr.Name(Stmt.CAPTURED, line));
        while (stream.skipOperator("|")) {
            value = expressions.filter(value);
        }
        return new Stmt.FilterBlock(value, outsideLoops(() -> body("endfilter")), line);
    }

    private Stmt withStatement(int line) {
        List<Stmt.Target> targets = new ArrayList<>();
        List<Expr> values = new ArrayList<>();
        while (!stream.at(Token.Type.BLOCK_END)) {
            if (!targets.isEmpty()) {
                stream.expectOperator(",");
            }
            targets.add(target(false));
            stream.expectOperator("=");
            values.add(expressions.expression());
        }
        return new Stmt.With(List.copyOf(targets), List.copyOf(values), body("endwith"), line);
    }

    private Stmt macroStatement(int line) {
        String name = variable(stream.expect(Token.Type.NAME, "the name of the macro"));
        return new Stmt.MacroDefinition(macro(name, true, "endmacro"), line);
    }

    private Stmt callBlock(int line) {
        List<String> parameters = new ArrayList<>();
        List<Expr> defaults = new ArrayList<>();
        if (stream.atOperator("(")) {
            signature(parameters, defaults);
        }
        if (!(expressions.expression() instanceof Expr.Call call)) {
            throw Problems.syntax(line, "the call of a macro", "another expression");
        }
        return new Stmt.CallBlock(call, macro("caller", parameters, defaults, "endcall"), line);
    }

    private Stmt.Macro macro(String name, boolean withSignature, String end) {
        List<String> parameters = new ArrayList<>();
        List<Expr> defaults = new ArrayList<>();
        if (withSignature) {
            signature(parameters, defaults);
        }
        return macro(name, parameters, defaults, end);
    }

    private Stmt.Macro macro(String name, List<String> parameters, List<Expr> defaults, String end) {
        if (parameters.contains("caller")) {
            throw Problems.unsupported(stream.line(), "a macro parameter named caller");
        }
        Set<String> names = expressions.namesRead();
        Set<String> outer = new HashSet<>(names);
        names.clear();
        List<Stmt> body = outsideLoops(() -> body(end));
        Stmt.Macro macro = new Stmt.Macro(
                name,
                List.copyOf(parameters),
                List.copyOf(defaults),
                body,
                names.contains("caller"),
                names.contains("varargs") && !parameters.contains("varargs"),
                names.contains("kwargs") && !parameters.contains("kwargs"));
        names.addAll(outer);
        return macro;
    }

    private void signature(List<String> parameters, List<Expr> defaults) {
        stream.expectOperator("(");
        while (!stream.atOperator(")")) {
            if (!parameters.isEmpty()) {
                stream.expectOperator(",");
            }
            Token name = stream.expect(Token.Type.NAME, "the name of a parameter");
            if (parameters.contains(variable(name))) {
                throw Problems.syntax(name.line(), "parameters with different names", "'" + name.text() + "' twice");
            }
            parameters.add(name.text());
            if (stream.skipOperator("=")) {
                defaults.add(expressions.expression());
            } else if (!defaults.isEmpty()) {
                throw Problems.syntax(name.line(), "a default for '" + name.text() + "'", "none");
            }
        }
        stream.expectOperator(")");
    }

    /** Names, tuples of names, and in {@code set} also {@code namespace.attribute}. */
    private Stmt.Target target(boolean withNamespace) {
        List<Stmt.Target> targets = new ArrayList<>();
        boolean isTuple = false;
        do {
            if (isTuple && atTargetEnd()) {
                break;
            }
            targets.add(single(withNamespace));
            isTuple |= stream.atOperator(",");
        } while (stream.skipOperator(","));
        return isTuple ? new Stmt.Target.Unpack(List.copyOf(targets)) : targets.get(0);
    }

    private boolean atTargetEnd() {
        return stream.atName("in")
                || stream.atOperator("=")
                || stream.atOperator(")")
                || stream.at(Token.Type.BLOCK_END);
    }

    private Stmt.Target single(boolean withNamespace) {
        if (stream.skipOperator("(")) {
            if (++depth > MAX_DEPTH) {
                throw Problems.unsupported(stream.line(), "nesting of targets deeper than " + MAX_DEPTH);
            }
            Stmt.Target inner = target(false);
            depth--;
            stream.expectOperator(")");
            return inner;
        }
        Token name = stream.expect(Token.Type.NAME, "a variable");
        if (withNamespace && stream.skipOperator(".")) {
            String attribute =
                    stream.expect(Token.Type.NAME, "the name of an attribute").text();
            return new Stmt.Target.NamespaceAttribute(name.text(), attribute);
        }
        return new Stmt.Target.Name(variable(name));
    }

    private static String variable(Token name) {
        if (CONSTANTS.contains(name.text())) {
            throw Problems.syntax(name.line(), "a variable", "the constant '" + name.text() + "'");
        }
        return name.text();
    }
}
