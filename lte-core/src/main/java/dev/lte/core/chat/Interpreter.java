package dev.lte.core.chat;

import java.time.Clock;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Runs the statements of a template once. Not shared between renderings. */
final class Interpreter {
    private enum Signal {
        NONE,
        BREAK,
        CONTINUE
    }

    private final Budget budget = new Budget();
    private final Py py = new Py(budget);
    private final Evaluator evaluator = new Evaluator(py);
    private final Frames frames;

    Interpreter(Frames frames) {
        this.frames = frames;
    }

    String render(List<Stmt> template, Map<?, ?> variables, Clock clock) {
        Values.Scope globals = new Values.Scope(null);
        Globals.define(globals, py, clock);
        Values.Scope context = new Values.Scope(globals);
        variables.forEach((name, value) -> context.set((String) name, value));
        return capture(template, scopeOf(template, context));
    }

    int line() {
        return evaluator.line();
    }

    @Nullable
    Object evaluate(Expr expr, Values.Scope scope) {
        return evaluator.evaluate(expr, scope);
    }

    /** Fresh variables for a block. */
    Values.Scope scopeOf(List<Stmt> body, Values.@Nullable Scope outer) {
        Values.Scope scope = new Values.Scope(outer);
        for (String name : frames.undefined(body)) {
            scope.set(name, Values.Undefined.named(name));
        }
        return scope;
    }

    /** Runs statements in {@code scope} and gives what they wrote. */
    String capture(List<Stmt> body, Values.Scope scope) {
        Output output = new Output(budget);
        run(body, scope, output);
        return output.toString();
    }

    private Signal run(List<Stmt> body, Values.Scope scope, Output output) {
        budget.enter();
        for (Stmt statement : body) {
            budget.step();
            evaluator.at(statement.line());
            Signal signal = run(statement, scope, output);
            if (signal != Signal.NONE) {
                budget.exit();
                return signal;
            }
        }
        budget.exit();
        return Signal.NONE;
    }

    private Signal run(Stmt statement, Values.Scope scope, Output output) {
        switch (statement) {
            case Stmt.Text(String text, int _) -> output.write(text);
            case Stmt.Print(Expr value, int _) -> output.write(py.str(evaluate(value, scope)));
            case Stmt.If(List<Stmt.Branch> branches, List<Stmt> otherwise, int _) -> {
                for (Stmt.Branch branch : branches) {
                    if (py.truth(evaluate(branch.test(), scope))) {
                        return run(branch.body(), scope, output);
                    }
                }
                return run(otherwise, scope, output);
            }
            case Stmt.For loop -> runLoop(loop, scope, output);
            case Stmt.Break _ -> {
                return Signal.BREAK;
            }
            case Stmt.Continue _ -> {
                return Signal.CONTINUE;
            }
            case Stmt.Set(Stmt.Target target, Expr value, int _) -> assign(target, evaluate(value, scope), scope);
            case Stmt.SetBlock(Stmt.Target target, Expr value, List<Stmt> body, int _) ->
                assign(target, filtered(value, body, scope), scope);
            case Stmt.FilterBlock(Expr value, List<Stmt> body, int _) ->
                output.write(py.str(filtered(value, body, scope)));
            case Stmt.With with -> {
                Values.Scope inner = scopeOf(with.body(), scope);
                for (int i = 0; i < with.targets().size(); i++) {
                    assign(with.targets().get(i), evaluate(with.values().get(i), scope), inner);
                }
                return run(with.body(), inner, output);
            }
            case Stmt.Generation(List<Stmt> body, int _) -> output.write(capture(body, scopeOf(body, scope)));
            case Stmt.MacroDefinition(Stmt.Macro macro, int _) ->
                scope.set(macro.name(), new MacroFunction(macro, scope, this));
            case Stmt.CallBlock(Expr.Call call, Stmt.Macro caller, int _) ->
                output.write(py.str(evaluator.call(call, scope, new MacroFunction(caller, scope, this))));
        }
        return Signal.NONE;
    }

    private @Nullable Object filtered(Expr value, List<Stmt> body, Values.Scope scope) {
        Values.Scope inner = scopeOf(body, scope);
        inner.set(Stmt.CAPTURED, capture(body, inner));
        return evaluate(value, inner);
    }

    /**
     * As in the reference, the else part runs unless an iteration came to its end: {@code break} in the first is none.
     */
    private void runLoop(Stmt.For loop, Values.Scope scope, Output output) {
        Iterator<@Nullable Object> elements = py.iterate(evaluate(loop.sequence(), scope));
        Expr filter = loop.filter();
        if (filter != null) {
            elements = SequenceFilters.filtered(elements, item -> {
                Values.Scope inner = new Values.Scope(scope);
                assign(loop.target(), item, inner);
                return py.truth(evaluate(filter, inner));
            });
        }
        LoopState state = new LoopState(py, elements);
        boolean completed = false;
        while (state.advance()) {
            Values.Scope inner = scopeOf(loop.body(), scope);
            inner.set("loop", state);
            assign(loop.target(), state.current(), inner);
            Signal signal = run(loop.body(), inner, output);
            completed |= signal == Signal.NONE;
            if (signal == Signal.BREAK) {
                break;
            }
        }
        if (!completed && !loop.otherwise().isEmpty()) {
            run(loop.otherwise(), scopeOf(loop.otherwise(), scope), output);
        }
    }

    private void assign(Stmt.Target target, @Nullable Object value, Values.Scope scope) {
        switch (target) {
            case Stmt.Target.Name(String name) -> scope.set(name, value);
            case Stmt.Target.Unpack(List<Stmt.Target> targets) -> {
                List<@Nullable Object> parts = py.toList(value);
                if (parts.size() != targets.size()) {
                    throw PyError.invalid("expected " + targets.size() + " values to unpack, found " + parts.size());
                }
                for (int i = 0; i < parts.size(); i++) {
                    assign(targets.get(i), parts.get(i), scope);
                }
            }
            case Stmt.Target.NamespaceAttribute(String name, String attribute) -> {
                if (!(scope.get(name) instanceof Values.Namespace namespace)) {
                    throw PyError.invalid("cannot assign attribute on non-namespace object '" + name + "'");
                }
                namespace.attributes().put(attribute, value);
            }
        }
    }
}
