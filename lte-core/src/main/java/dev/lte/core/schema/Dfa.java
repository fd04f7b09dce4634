package dev.lte.core.schema;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A rule as a table. */
final class Dfa implements Rule {
    private final byte[] classes;
    private final int classCount;
    /** {@code [states][classCount]} */
    private final int[] next;

    private final BitSet accepting;
    private final int[][] calls;

    private Dfa(byte[] classes, int[] next, BitSet accepting, int[][] calls) {
        this.classes = classes;
        this.next = next;
        this.accepting = accepting;
        this.calls = calls;
        classCount = (classes[255] & 0xFF) + 1;
    }

    @Override
    public int start() {
        return 0;
    }

    @Override
    public int step(int state, int value) {
        return next[state * classCount + (classes[value] & 0xFF)];
    }

    @Override
    public boolean accepts(int state) {
        return accepting.get(state);
    }

    @Override
    public boolean moves(int state) {
        for (int i = state * classCount; i < (state + 1) * classCount; i++) {
            if (next[i] != DEAD) {
                return true;
            }
        }
        return false;
    }

    @Override
    public int[] calls(int state) {
        return calls[state];
    }

    @Override
    public int room(int state) {
        return 0;
    }

    int states() {
        return calls.length;
    }

    /** Which class of bytes that this rule does not tell apart a byte is in; classes are intervals. */
    int byteClass(int value) {
        return classes[value] & 0xFF;
    }

    /** One byte of every class that has one of these. */
    int[] representatives(boolean[] available) {
        int[] found = new int[classCount];
        int count = 0;
        int last = -1;
        for (int value = 0; value < 256; value++) {
            if (available[value] && byteClass(value) != last) {
                last = byteClass(value);
                found[count++] = value;
            }
        }
        return Arrays.copyOf(found, count);
    }

    private record Key(int[] values) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Key key && Arrays.equals(values, key.values);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(values);
        }
    }

    /** States as they are found, each known by a key. */
    private static final class States {
        final Map<Key, Integer> ids = new HashMap<>();
        final List<int[]> keys = new ArrayList<>();
        private final Budget budget;

        States(Budget budget) {
            this.budget = budget;
        }

        int id(int[] key) {
            return ids.computeIfAbsent(new Key(key), found -> {
                budget.state();
                keys.add(found.values());
                return keys.size() - 1;
            });
        }
    }

    /** Subset construction. */
    static Dfa of(Nfa nfa, int start, int accept, Budget budget) {
        byte[] classes = nfa.byteClasses();
        int classCount = (classes[255] & 0xFF) + 1;
        Closure closure = new Closure(nfa, accept, budget);
        States states = new States(budget);
        states.id(closure.of(new int[] {start}, 1));
        List<int[]> rows = new ArrayList<>();
        List<int[]> calls = new ArrayList<>();
        BitSet accepting = new BitSet();
        IntBag[] bags = new IntBag[classCount];
        Arrays.setAll(bags, i -> new IntBag());
        for (int state = 0; state < states.keys.size(); state++) {
            int[] members = states.keys.get(state);
            Map<Integer, IntBag> called = new TreeMap<>();
            for (int member : members) {
                if (member == accept) {
                    accepting.set(state);
                }
                for (int edge = nfa.firstEdge(member); edge >= 0; edge = nfa.nextEdge(edge)) {
                    if (nfa.isBytes(edge)) {
                        int last = classes[nfa.last(edge)] & 0xFF;
                        int first = classes[nfa.first(edge)] & 0xFF;
                        budget.work(last - first + 1);
                        for (int c = first; c <= last; c++) {
                            bags[c].add(nfa.target(edge));
                        }
                    } else if (nfa.isCall(edge)) {
                        called.computeIfAbsent(nfa.rule(edge), rule -> new IntBag())
                                .add(nfa.target(edge));
                    }
                }
            }
            int[] row = new int[classCount];
            budget.work(classCount);
            for (int c = 0; c < classCount; c++) {
                row[c] = bags[c].size == 0 ? DEAD : states.id(closure.of(bags[c].values, bags[c].size));
                bags[c].size = 0;
            }
            rows.add(row);
            int[] pairs = new int[2 * called.size()];
            int at = 0;
            for (Map.Entry<Integer, IntBag> call : called.entrySet()) {
                pairs[at++] = call.getKey();
                pairs[at++] = states.id(closure.of(call.getValue().values, call.getValue().size));
            }
            calls.add(pairs.length == 0 ? NO_CALLS : pairs);
        }
        return new Dfa(classes, flatten(rows, classCount), accepting, calls.toArray(int[][]::new));
    }

    /** Texts of both (neither may call). */
    Dfa and(Dfa other, Budget budget) {
        return product(other, true, budget);
    }

    /** Texts of this rule that are not texts of the other (neither may call). */
    Dfa minus(Dfa other, Budget budget) {
        return product(other, false, budget);
    }

    private Dfa product(Dfa other, boolean both, Budget budget) {
        byte[] joined = new byte[256];
        List<Integer> representatives = new ArrayList<>(List.of(0));
        for (int value = 1; value < 256; value++) {
            boolean begins = classes[value] != classes[value - 1] || other.classes[value] != other.classes[value - 1];
            if (begins) {
                representatives.add(value);
            }
            joined[value] = (byte) (representatives.size() - 1);
        }
        States states = new States(budget);
        states.id(new int[] {0, 0});
        List<int[]> rows = new ArrayList<>();
        BitSet accepting = new BitSet();
        for (int state = 0; state < states.keys.size(); state++) {
            int mine = states.keys.get(state)[0];
            int its = states.keys.get(state)[1];
            boolean itsAccepts = its != DEAD && other.accepts(its);
            accepting.set(state, accepts(mine) && itsAccepts == both);
            int[] row = new int[representatives.size()];
            budget.work(row.length);
            for (int c = 0; c < row.length; c++) {
                int value = representatives.get(c);
                int a = step(mine, value);
                int b = its == DEAD ? DEAD : other.step(its, value);
                row[c] = a == DEAD || (both && b == DEAD) ? DEAD : states.id(new int[] {a, b});
            }
            rows.add(row);
        }
        int[][] calls = new int[rows.size()][];
        Arrays.fill(calls, NO_CALLS);
        return new Dfa(joined, flatten(rows, representatives.size()), accepting, calls);
    }

    private static int[] flatten(List<int[]> rows, int width) {
        int[] flat = new int[rows.size() * width];
        for (int i = 0; i < rows.size(); i++) {
            System.arraycopy(rows.get(i), 0, flat, i * width, width);
        }
        return flat;
    }

    private static final class IntBag {
        int[] values = new int[4];
        int size;

        void add(int value) {
            if (size == values.length) {
                values = Arrays.copyOf(values, 2 * size);
            }
            values[size++] = value;
        }
    }

    /** What can be reached without taking anything. */
    private static final class Closure {
        private final Nfa nfa;
        private final int accept;
        private final Budget budget;
        private final int[] seen;
        private int round;

        Closure(Nfa nfa, int accept, Budget budget) {
            this.nfa = nfa;
            this.accept = accept;
            this.budget = budget;
            seen = new int[nfa.states()];
        }

        /** Sorted, without those that only lead on. */
        int[] of(int[] from, int count) {
            round++;
            IntBag reached = new IntBag();
            for (int i = 0; i < count; i++) {
                visit(from[i], reached);
            }
            int kept = 0;
            for (int i = 0; i < reached.size; i++) {
                int state = reached.values[i];
                boolean matters = state == accept;
                for (int edge = nfa.firstEdge(state); edge >= 0; edge = nfa.nextEdge(edge)) {
                    if (nfa.isSkip(edge)) {
                        visit(nfa.target(edge), reached);
                    } else {
                        matters = true;
                    }
                }
                if (matters) {
                    reached.values[kept++] = state;
                }
            }
            budget.work(reached.size);
            int[] set = Arrays.copyOf(reached.values, kept);
            Arrays.sort(set);
            return set;
        }

        private void visit(int state, IntBag reached) {
            if (seen[state] != round) {
                seen[state] = round;
                reached.add(state);
            }
        }
    }
}
