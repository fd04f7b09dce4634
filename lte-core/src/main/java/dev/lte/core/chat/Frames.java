package dev.lte.core.chat;

import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which variables are undefined when a block begins, whatever the blocks around it hold. The reference compiles a block
 * (the template, a loop body, a macro, a captured text) to a function with local variables: one that the block sets
 * before it reads it, and that no block around it mentions, begins undefined, and inner blocks do not count as reading.
 * So the loop in {@code {% for x in l %}{{ tools }}{% endfor %}{% set tools = 1 %}} does not see the {@code tools} that
 * the caller gave. (jinja2: {@code idtracking.py}.)
 */
final class Frames {
    private final Map<List<Stmt>, Set<String>> undefined = new IdentityHashMap<>();

    Frames(List<Stmt> template) {
        analyse(template, new Symbols(null));
    }

    /** Names that begin undefined in the block with this body. */
    Set<String> undefined(List<Stmt> body) {
        return undefined.getOrDefault(body, Set.of());
    }

    /** Reads a block, then the blocks inside, which see all that it mentions. */
    private void analyse(List<Stmt> body, Symbols symbols) {
        symbols.read(body);
        if (!symbols.undefined.isEmpty()) {
            undefined.put(body, Set.copyOf(symbols.undefined));
        }
        inner(body, symbols);
    }

    private void inner(List<Stmt> body, Symbols outer) {
        for (Stmt statement : body) {
            Symbols symbols = new Symbols(outer);
            switch (statement) {
                case Stmt.If(List<Stmt.Branch> branches, List<Stmt> otherwise, int _) -> {
                    branches.forEach(branch -> inner(branch.body(), outer));
                    inner(otherwise, outer);
                }
                case Stmt.For loop -> {
                    symbols.mentioned.add("loop");
                    symbols.parameter(loop.target());
                    analyse(loop.body(), symbols);
                    analyse(loop.otherwise(), new Symbols(outer));
                }
                case Stmt.With with -> {
                    with.targets().forEach(symbols::store);
                    // The targets are set at once, so that only what the body sets can begin undefined.
                    symbols.undefined.clear();
                    analyse(with.body(), symbols);
                }
                case Stmt.SetBlock block -> analyse(block.body(), symbols);
                case Stmt.FilterBlock block -> analyse(block.body(), symbols);
                case Stmt.Generation block -> analyse(block.body(), symbols);
                case Stmt.MacroDefinition definition -> macro(definition.macro(), symbols);
                case Stmt.CallBlock block -> macro(block.caller(), symbols);
                case Stmt.Text _, Stmt.Print _, Stmt.Set _, Stmt.Break _, Stmt.Continue _ -> {}
            }
        }
    }

    private void macro(Stmt.Macro macro, Symbols symbols) {
        symbols.mentioned.addAll(macro.parameters());
        symbols.mentioned.addAll(Set.of("caller", "varargs", "kwargs"));
        macro.defaults().forEach(symbols::load);
        analyse(macro.body(), symbols);
    }

    /** What one block mentions and sets, in the order of its text. */
    private static final class Symbols {
        private final @Nullable Symbols parent;
        private final Set<String> mentioned = new HashSet<>();
        private final Set<String> undefined = new HashSet<>();

        Symbols(@Nullable Symbols parent) {
            this.parent = parent;
        }

        private boolean isKnown(String name) {
            for (Symbols symbols = this; symbols != null; symbols = symbols.parent) {
                if (symbols.mentioned.contains(name)) {
                    return true;
                }
            }
            return false;
        }

        private void load(String name) {
            if (!isKnown(name)) {
                mentioned.add(name);
            }
        }

        private void load(Expr expr) {
            ExprNames.forEach(expr, this::load);
        }

        private void store(String name) {
            if (!isKnown(name)) {
                undefined.add(name);
            }
            mentioned.add(name);
        }

        private void store(Stmt.Target target) {
            switch (target) {
                case Stmt.Target.Name(String name) -> store(name);
                case Stmt.Target.Unpack(List<Stmt.Target> targets) -> targets.forEach(this::store);
                case Stmt.Target.NamespaceAttribute(String namespace, String _) -> load(namespace);
            }
        }

        private void parameter(Stmt.Target target) {
            switch (target) {
                case Stmt.Target.Name(String name) -> mentioned.add(name);
                case Stmt.Target.Unpack(List<Stmt.Target> targets) -> targets.forEach(this::parameter);
                case Stmt.Target.NamespaceAttribute _ -> {}
            }
        }

        private void read(List<Stmt> body) {
            for (Stmt statement : body) {
                switch (statement) {
                    case Stmt.Print(Expr value, int _) -> load(value);
                    case Stmt.Set(Stmt.Target target, Expr value, int _) -> {
                        load(value);
                        store(target);
                    }
                    case Stmt.SetBlock block -> store(block.target());
                    case Stmt.If(List<Stmt.Branch> branches, List<Stmt> otherwise, int _) -> {
                        load(branches.get(0).test());
                        Set<String> behind =
                                new HashSet<>(branch(List.of(), branches.get(0).body()));
                        behind.addAll(branch(branches.subList(1, branches.size()), List.of()));
                        behind.addAll(branch(List.of(), otherwise));
                        mentioned.addAll(behind);
                    }
                    case Stmt.For loop -> load(loop.sequence());
                    case Stmt.FilterBlock block -> load(block.value());
                    case Stmt.With with -> with.values().forEach(this::load);
                    case Stmt.MacroDefinition definition ->
                        store(definition.macro().name());
                    case Stmt.CallBlock block -> load(block.call());
                    case Stmt.Text _, Stmt.Generation _, Stmt.Break _, Stmt.Continue _ -> {}
                }
            }
        }

        /**
         * Names that a branch mentions first. What it sets may as well come from outside, so nothing becomes undefined.
         */
        private Set<String> branch(List<Stmt.Branch> alternatives, List<Stmt> body) {
            Symbols inside = new Symbols(this);
            for (Stmt.Branch alternative : alternatives) {
                inside.load(alternative.test());
                inside.mentioned.addAll(inside.branch(List.of(), alternative.body()));
            }
            inside.read(body);
            return inside.mentioned;
        }
    }
}
