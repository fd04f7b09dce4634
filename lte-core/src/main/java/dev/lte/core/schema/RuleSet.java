package dev.lte.core.schema;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The rules of a grammar that is being compiled. Rules have numbers before they are known, so that they can be recursive. */
final class RuleSet {
    private static final String SPACE = " ";

    private final Budget budget;
    private final List<@Nullable Rule> rules = new ArrayList<>();
    private final Map<String, Integer> named = new HashMap<>();

    RuleSet(Budget budget) {
        this.budget = budget;
    }

    Budget budget() {
        return budget;
    }

    /** A number for a rule that {@link #define} will give. */
    int reserve() {
        rules.add(null);
        return rules.size() - 1;
    }

    void define(int number, Rule rule) {
        rules.set(number, rule);
    }

    int add(Rule rule) {
        rules.add(rule);
        return rules.size() - 1;
    }

    /** A rule that is the same wherever it is needed. */
    int shared(String name, Supplier<Rule> rule) {
        Integer known = named.get(name);
        if (known == null) {
            known = add(rule.get());
            named.put(name, known);
        }
        return known;
    }

    List<Rule> all() {
        List<Rule> complete = new ArrayList<>(rules.size());
        for (Rule rule : rules) {
            if (rule == null) {
                throw new IllegalStateException("rule " + complete.size() + " was never defined");
            }
            complete.add(rule);
        }
        return complete;
    }

    /** What follows the opening quote of a string. */
    int text(int min, int max) {
        return shared("text " + min + " " + max, () -> new CountedText(character(), min, max));
    }

    Dfa character() {
        int number = shared("character", () -> CountedText.character(budget));
        return (Dfa) Objects.requireNonNull(rules.get(number));
    }

    int number() {
        return shared("number", () -> PatternParser.whole(Numbers.ANY_NUMBER).compile(budget));
    }

    int integer() {
        return shared("integer", () -> PatternParser.whole(Numbers.ANY_INTEGER).compile(budget));
    }

    /** Any JSON value. */
    int anyValue() {
        Integer known = named.get("value");
        if (known != null) {
            return known;
        }
        int number = reserve();
        named.put("value", number);
        Nfa nfa = new Nfa(budget);
        int start = nfa.state();
        int accept = nfa.state();
        for (String literal : List.of("true", "false", "null")) {
            nfa.skip(nfa.literal(start, literal), accept);
        }
        nfa.call(nfa.literal(start, "\""), text(0, CountedText.UNBOUNDED), accept);
        nfa.call(start, number(), accept);
        anyObject(nfa, start, number, accept);
        anyArray(nfa, start, number, accept);
        define(number, Dfa.of(nfa, start, accept, budget));
        return number;
    }

    /** An object of any members whose values are of a rule. */
    void anyObject(Nfa nfa, int from, int value, int to) {
        int open = nfa.literal(from, "{");
        int key = nfa.state();
        int more = nfa.state();
        nfa.bytes(open, '}', '}', to);
        nfa.skip(open, key);
        member(nfa, key, text(0, CountedText.UNBOUNDED), value, more);
        comma(nfa, more, key);
        nfa.bytes(more, '}', '}', to);
    }

    private void anyArray(Nfa nfa, int from, int value, int to) {
        int open = nfa.literal(from, "[");
        int item = nfa.state();
        int more = nfa.state();
        nfa.bytes(open, ']', ']', to);
        nfa.skip(open, item);
        nfa.call(item, value, more);
        comma(nfa, more, item);
        nfa.bytes(more, ']', ']', to);
    }

    /** @param key the rule of what follows the quote of the name */
    void member(Nfa nfa, int from, int key, int value, int to) {
        int behind = nfa.state();
        nfa.call(nfa.literal(from, "\""), key, behind);
        nfa.call(colon(nfa, behind), value, to);
    }

    /** A colon and perhaps a space; returns the state behind. */
    int colon(Nfa nfa, int from) {
        int behind = nfa.literal(from, ":");
        int value = nfa.literal(behind, SPACE);
        nfa.skip(behind, value);
        return value;
    }

    /** A comma and perhaps a space. */
    void comma(Nfa nfa, int from, int to) {
        int behind = nfa.literal(from, ",");
        nfa.skip(nfa.literal(behind, SPACE), to);
        nfa.skip(behind, to);
    }
}
