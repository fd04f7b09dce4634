package dev.lte.core.chat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Evaluated arguments of a call, filter or test. */
record Arguments(List<@Nullable Object> positional, Map<String, @Nullable Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());
    private static final Object MISSING = new Object();

    static Arguments of(List<@Nullable Object> positional) {
        return new Arguments(positional, Map.of());
    }

    /** A copy without the first {@code count} positional arguments. */
    Arguments without(int count) {
        return new Arguments(positional.subList(count, positional.size()), named);
    }

    /**
     * Assigns arguments to parameters as Python does.
     *
     * @param required how many parameters have no default
     * @param parameters names in order; one that ends in {@code /} is taken by position only
     */
    Bound bind(String callee, int required, String... parameters) {
        if (positional.size() > parameters.length) {
            throw PyError.invalid(
                    callee + " takes at most " + parameters.length + " arguments, " + positional.size() + " given");
        }
        @Nullable Object[] values = new Object[parameters.length];
        Arrays.fill(values, MISSING);
        for (int i = 0; i < positional.size(); i++) {
            values[i] = positional.get(i);
        }
        int used = 0;
        for (int i = 0; i < parameters.length; i++) {
            if (named.containsKey(parameters[i])) {
                if (values[i] != MISSING) {
                    throw PyError.invalid(callee + " got two values for " + parameters[i]);
                }
                values[i] = named.get(parameters[i]);
                used++;
            }
            if (i < required && values[i] == MISSING) {
                throw PyError.invalid(callee + " misses the argument " + parameters[i]);
            }
        }
        if (used < named.size()) {
            throw PyError.invalid(callee + " got an unexpected argument among " + named.keySet());
        }
        return new Bound(callee, values);
    }

    /** Arguments by the index of their parameter. */
    record Bound(String callee, @Nullable Object[] values) {
        boolean has(int i) {
            return values[i] != MISSING;
        }

        @Nullable
        Object get(int i, @Nullable Object fallback) {
            return has(i) ? values[i] : fallback;
        }

        @Nullable
        Object get(int i) {
            return values[i];
        }

        long integer(int i, long fallback) {
            return switch (get(i, fallback)) {
                case Long l -> l;
                case Boolean b -> b ? 1 : 0;
                case Values.Undefined(String problem) -> throw PyError.invalid(problem);
                case null, default -> throw PyError.invalid(callee + ": expected an int as argument " + (i + 1));
            };
        }

        String text(int i, String fallback) {
            return switch (get(i, fallback)) {
                case String s -> s;
                case Values.Markup(String s) -> s;
                case Values.Undefined(String problem) -> throw PyError.invalid(problem);
                case null, default -> throw PyError.invalid(callee + ": expected a str as argument " + (i + 1));
            };
        }
    }
}
