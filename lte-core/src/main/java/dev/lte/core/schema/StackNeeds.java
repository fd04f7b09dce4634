package dev.lte.core.schema;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Finds for each state of each rule how many frames more the shortest way to the rule's end takes: 0 where it calls nothing.
 * The least solution, by values in ascending order (Dijkstra's algorithm with max instead of plus).
 */
final class StackNeeds {
    /** No way to the end, or none that is short enough. */
    private static final int NEVER = Budget.MAX_DEPTH + 1;

    private record Call(int rule, int state, int called, int target) {}

    private final Rule[] rules;
    private final boolean[] available;
    private final Budget budget;
    private final byte[][] needs;
    private final IntLists[] sources;
    private final IntLists[] returns;
    private final IntLists callers;
    private final List<Call> calls = new ArrayList<>();
    private final List<ArrayDeque<int[]>> buckets = new ArrayList<>();

    /** @param available the bytes that may be counted on */
    StackNeeds(Rule[] rules, boolean[] available, Budget budget) {
        this.rules = rules;
        this.available = available;
        this.budget = budget;
        needs = new byte[rules.length][];
        sources = new IntLists[rules.length];
        returns = new IntLists[rules.length];
        callers = new IntLists(rules.length);
        for (int i = 0; i <= NEVER; i++) {
            buckets.add(new ArrayDeque<>());
        }
    }

    /** Where a state's need stands: all counts of a text share one place. */
    static int index(Rule rule, int state) {
        return rule instanceof CountedText text
                ? (text.accepts(state) ? text.character().states() : text.inside(state))
                : state;
    }

    byte[][] solve() {
        for (int rule = 0; rule < rules.length; rule++) {
            int states = rules[rule] instanceof CountedText text
                    ? text.character().states() + 1
                    : ((Dfa) rules[rule]).states();
            needs[rule] = new byte[states];
            Arrays.fill(needs[rule], (byte) NEVER);
            sources[rule] = new IntLists(states);
            returns[rule] = new IntLists(states);
            if (rules[rule] instanceof CountedText text) {
                prepare(rule, text);
            } else {
                prepare(rule, (Dfa) rules[rule]);
            }
        }
        for (int need = 0; need < NEVER; need++) {
            ArrayDeque<int[]> bucket = buckets.get(need);
            while (!bucket.isEmpty()) {
                int[] at = bucket.pop();
                if (needs[at[0]][at[1]] == need) {
                    settle(at[0], at[1], need);
                }
            }
        }
        return needs;
    }

    /** Collects the edges backwards and sets off from where the rule accepts. */
    private void prepare(int rule, Dfa table) {
        int[] values = table.representatives(available);
        for (int state = 0; state < table.states(); state++) {
            budget.work(values.length);
            for (int value : values) {
                int target = table.step(state, value);
                if (target != Rule.DEAD) {
                    sources[rule].add(target, state);
                }
            }
            int[] pairs = table.calls(state);
            for (int i = 0; i < pairs.length; i += 2) {
                callers.add(pairs[i], calls.size());
                returns[rule].add(pairs[i + 1], calls.size());
                calls.add(new Call(rule, state, pairs[i], pairs[i + 1]));
            }
            if (table.accepts(state)) {
                relax(rule, state, 0);
            }
        }
    }

    /** Enough characters can always be written, if there is one; a character that was begun needs its other bytes. */
    private void prepare(int rule, CountedText text) {
        Dfa character = text.character();
        for (int state = 0; state < character.states(); state++) {
            for (int value : character.representatives(available)) {
                int target = character.step(state, value);
                if (target != Rule.DEAD) {
                    sources[rule].add(character.accepts(target) ? 0 : target, state);
                }
            }
        }
        relax(rule, character.states(), 0);
        if (available['"'] && available['a']) {
            relax(rule, 0, 0);
        }
    }

    private void relax(int rule, int state, int need) {
        if (need < needs[rule][state]) {
            needs[rule][state] = (byte) need;
            buckets.get(need).push(new int[] {rule, state});
        }
    }

    private void settle(int rule, int state, int need) {
        for (int link = sources[rule].first(state); link >= 0; link = sources[rule].next(link)) {
            relax(rule, sources[rule].value(link), need);
        }
        for (int link = returns[rule].first(state); link >= 0; link = returns[rule].next(link)) {
            relax(calls.get(returns[rule].value(link)));
        }
        if (state == 0) {
            for (int link = callers.first(rule); link >= 0; link = callers.next(link)) {
                relax(calls.get(callers.value(link)));
            }
        }
    }

    private void relax(Call call) {
        int behind = needs[call.rule()][call.target()];
        int inside = 1 + needs[call.called()][0];
        if (behind < NEVER && inside < NEVER) {
            relax(call.rule(), call.state(), Math.max(behind, inside));
        }
    }
}
