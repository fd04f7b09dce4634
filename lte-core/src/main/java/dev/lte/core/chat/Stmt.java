package dev.lte.core.chat;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Statements, one record a tag. */
sealed interface Stmt {
    int line();

    record Text(String text, int line) implements Stmt {}

    record Print(Expr value, int line) implements Stmt {}

    record If(List<Branch> branches, List<Stmt> otherwise, int line) implements Stmt {}

    record Branch(Expr test, List<Stmt> body) {}

    record For(Target target, Expr sequence, @Nullable Expr filter, List<Stmt> body, List<Stmt> otherwise, int line)
            implements Stmt {}

    record Break(int line) implements Stmt {}

    record Continue(int line) implements Stmt {}

    record Set(Target target, Expr value, int line) implements Stmt {}

    /** {@code {% set x | filter %}...{% endset %}}; the filter reads the text as {@link #CAPTURED}. */
    record SetBlock(Target target, Expr value, List<Stmt> body, int line) implements Stmt {}

    record FilterBlock(Expr value, List<Stmt> body, int line) implements Stmt {}

    record With(List<Target> targets, List<Expr> values, List<Stmt> body, int line) implements Stmt {}

    /** {@code {% generation %}}: marks what the assistant wrote; prints its body in a scope of its own. */
    record Generation(List<Stmt> body, int line) implements Stmt {}

    record MacroDefinition(Macro macro, int line) implements Stmt {}

    record CallBlock(Expr.Call call, Macro caller, int line) implements Stmt {}

    /**
     * @param defaults of the last parameters
     * @param usesCaller whether the body names {@code caller}, likewise for the two others
     */
    record Macro(
            String name,
            List<String> parameters,
            List<Expr> defaults,
            List<Stmt> body,
            boolean usesCaller,
            boolean usesVarargs,
            boolean usesKwargs) {}

    /** Name under which a block's text is handed to its filters; no template can write it. */
    String CAPTURED = "#captured";

    /** Left side of an assignment. */
    sealed interface Target {
        record Name(String name) implements Target {}

        record Unpack(List<Target> targets) implements Target {}

        record NamespaceAttribute(String namespace, String attribute) implements Target {}
    }
}
