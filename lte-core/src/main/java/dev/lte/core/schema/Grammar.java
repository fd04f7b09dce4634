package dev.lte.core.schema;

import dev.lte.UnsupportedSchemaException;
import java.util.ArrayDeque;
import java.util.List;

/**
 * Rules that call each other, with what each of their states still needs: the frames of the stack that the shortest way to
 * the end of the rule takes. So the automaton never enters a state from which the text could not be completed within the
 * largest depth. Immutable.
 */
final class Grammar {
    private final Rule[] rules;
    private final int root;
    private final byte[] byteClasses;
    private final int classCount;
    private final byte[][] needs;

    /**
     * @param available which bytes are a token by themselves: others may stand inside longer tokens, but the way to an end
     *     must not depend on them
     */
    Grammar(List<Rule> rules, int root, boolean[] available, Budget budget) {
        this.rules = rules.toArray(Rule[]::new);
        this.root = root;
        byteClasses = joinClasses(rules);
        classCount = 1 + largest(byteClasses);
        requireNoLeftRecursion(budget);
        needs = new StackNeeds(this.rules, available, budget).solve();
        if (!canFinish(root, 0, 1)) {
            throw new UnsupportedSchemaException(
                    "",
                    "#",
                    "no value satisfies it that is nested at most " + Budget.MAX_DEPTH
                            + " deep and whose characters the tokenizer has",
                    "check for contradictions, for references without end and for characters of another script");
        }
    }

    int root() {
        return root;
    }

    Rule rule(int index) {
        return rules[index];
    }

    int byteClass(int value) {
        return byteClasses[value] & 0xFF;
    }

    int byteClasses() {
        return classCount;
    }

    /** Whether a frame in this state, {@code depth} frames deep (1 for the first), can come to its end. */
    boolean canFinish(int rule, int state, int depth) {
        byte[] need = needs[rule];
        return need[StackNeeds.index(rules[rule], state)] <= Budget.MAX_DEPTH - depth;
    }

    private static int largest(byte[] classes) {
        int largest = 0;
        for (byte value : classes) {
            largest = Math.max(largest, value & 0xFF);
        }
        return largest;
    }

    /** Bytes that no rule tells apart have one class; classes are intervals. */
    private static byte[] joinClasses(List<Rule> rules) {
        boolean[] begins = new boolean[256];
        for (Rule rule : rules) {
            Dfa table = rule instanceof CountedText text ? text.character() : (Dfa) rule;
            for (int value = 1; value < 256; value++) {
                begins[value] |= table.byteClass(value) != table.byteClass(value - 1);
            }
        }
        begins['"'] = true;
        begins['"' + 1] = true;
        byte[] classes = new byte[256];
        for (int value = 1; value < 256; value++) {
            classes[value] = (byte) (classes[value - 1] + (begins[value] ? 1 : 0));
        }
        return classes;
    }

    /** A rule that begins with itself would be entered without end. */
    private void requireNoLeftRecursion(Budget budget) {
        int[] open = new int[rules.length];
        for (int rule = 0; rule < rules.length; rule++) {
            walk(rule, open, budget);
        }
    }

    private void walk(int first, int[] marks, Budget budget) {
        ArrayDeque<int[]> path = new ArrayDeque<>();
        if (marks[first] == 0) {
            marks[first] = 1;
            path.push(new int[] {first, 0});
        }
        while (!path.isEmpty()) {
            int[] top = path.peek();
            int[] calls = rules[top[0]].calls(0);
            if (top[1] == calls.length) {
                marks[top[0]] = 2;
                path.pop();
                continue;
            }
            int called = calls[top[1]];
            top[1] += 2;
            if (marks[called] == 1) {
                throw new UnsupportedSchemaException(
                        "$ref",
                        budget.path(),
                        "a schema refers to itself before any text",
                        "break the circle of references");
            } else if (marks[called] == 0) {
                marks[called] = 1;
                path.push(new int[] {called, 0});
            }
        }
    }
}
