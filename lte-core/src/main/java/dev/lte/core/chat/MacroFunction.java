package dev.lte.core.chat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A macro, or the body of a call block, together with the variables around its definition. */
record MacroFunction(Stmt.Macro macro, Values.Scope closure, Interpreter interpreter) implements Values.Function {
    @Override
    public Object call(Arguments arguments) {
        List<String> parameters = macro.parameters();
        List<@Nullable Object> positional = arguments.positional();
        Map<String, @Nullable Object> named = new LinkedHashMap<>(arguments.named());
        Values.Scope scope = interpreter.scopeOf(macro.body(), closure);
        int firstDefault = parameters.size() - macro.defaults().size();
        for (int i = 0; i < parameters.size(); i++) {
            String name = parameters.get(i);
            if (i < positional.size()) {
                scope.set(name, positional.get(i));
            } else if (named.containsKey(name)) {
                scope.set(name, named.remove(name));
            } else if (i >= firstDefault) {
                scope.set(name, interpreter.evaluate(macro.defaults().get(i - firstDefault), scope));
            } else {
                scope.set(name, new Values.Undefined("parameter '" + name + "' was not provided"));
            }
        }
        if (macro.usesCaller()) {
            Object caller = named.remove("caller");
            scope.set("caller", caller == null ? new Values.Undefined("No caller defined") : caller);
        }
        if (macro.usesKwargs()) {
            scope.set("kwargs", named);
        } else if (!named.isEmpty()) {
            throw PyError.invalid("macro '" + macro.name() + "' takes no keyword argument '"
                    + named.keySet().iterator().next() + "'");
        }
        if (macro.usesVarargs()) {
            int used = Math.min(parameters.size(), positional.size());
            scope.set("varargs", new Values.Tuple(positional.subList(used, positional.size())));
        } else if (positional.size() > parameters.size()) {
            throw PyError.invalid(
                    "macro '" + macro.name() + "' takes not more than " + parameters.size() + " argument(s)");
        }
        return interpreter.capture(macro.body(), scope);
    }
}
