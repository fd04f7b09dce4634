package dev.lte.core.schema;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Runs a {@link Grammar} over bytes. Configurations are made once and remembered, so that a byte mostly costs a look into a
 * table; the memory is bounded by forgetting all of them when there are too many. Thread-safe.
 */
final class PushdownAutomaton {
    private static final int MAX_CONFIGURATIONS = 20_000;
    /** More readings of one text than this are not followed: the text stays valid, with fewer ways to go on. */
    private static final int MAX_STACKS = 256;

    private record Key(List<Frame> stacks, boolean canEnd) {}

    private final Grammar grammar;
    private final ConcurrentHashMap<Key, Configuration> known = new ConcurrentHashMap<>();
    private volatile @Nullable Configuration start;

    PushdownAutomaton(Grammar grammar) {
        this.grammar = grammar;
    }

    Configuration start() {
        Configuration configuration = start;
        if (configuration == null) {
            configuration = configuration(List.of(new Frame(grammar.root(), 0, null)));
            start = configuration;
        }
        return configuration;
    }

    /** The configuration behind a byte; {@link Configuration#DEAD} if it cannot follow. */
    Configuration step(Configuration from, int value) {
        int byteClass = grammar.byteClass(value);
        Configuration to = from.next[byteClass];
        if (to == null) {
            to = compute(from, value);
            from.next[byteClass] = to;
        }
        return to;
    }

    private Configuration compute(Configuration from, int value) {
        List<Frame> moved = new ArrayList<>();
        for (Frame top : from.stacks) {
            int state = grammar.rule(top.rule).step(top.state, value);
            if (state != Rule.DEAD) {
                moved.add(new Frame(top.rule, state, top.parent));
            }
        }
        return moved.isEmpty() ? Configuration.DEAD : configuration(moved);
    }

    /** Enters the rules that can be called, leaves those that can end. */
    private Configuration configuration(List<Frame> tops) {
        List<Frame> stacks = new ArrayList<>();
        boolean canEnd = false;
        boolean live = false;
        int room = 0;
        Set<Frame> seen = new HashSet<>(tops);
        ArrayDeque<Frame> open = new ArrayDeque<>(seen.size() == tops.size() ? tops : seen);
        while (!open.isEmpty() && stacks.size() < MAX_STACKS) {
            Frame top = open.pop();
            Rule rule = grammar.rule(top.rule);
            if (rule.moves(top.state)) {
                stacks.add(top);
                live |= grammar.canFinish(top.rule, top.state, top.depth);
                room = Math.max(room, rule.room(top.state));
            }
            int[] calls = rule.calls(top.state);
            for (int i = 0; i < calls.length; i += 2) {
                if (grammar.canFinish(top.rule, calls[i + 1], top.depth)
                        && grammar.canFinish(calls[i], 0, top.depth + 1)) {
                    Frame below = new Frame(top.rule, calls[i + 1], top.parent);
                    push(new Frame(calls[i], 0, below), seen, open);
                }
            }
            if (rule.accepts(top.state)) {
                if (top.parent == null) {
                    canEnd = true;
                } else {
                    push(top.parent, seen, open);
                }
            }
        }
        if (stacks.isEmpty() && !canEnd) {
            return Configuration.DEAD;
        }
        return remember(new Configuration(List.copyOf(stacks), canEnd, live || canEnd, room, grammar.byteClasses()));
    }

    private static void push(Frame frame, Set<Frame> seen, ArrayDeque<Frame> open) {
        if (seen.add(frame)) {
            open.push(frame);
        }
    }

    private Configuration remember(Configuration made) {
        if (known.size() >= MAX_CONFIGURATIONS) {
            forget();
        }
        Configuration before = known.putIfAbsent(new Key(made.stacks, made.canEnd), made);
        return before == null ? made : before;
    }

    /** Configurations in use stay valid; they are only made anew for others. */
    void forget() {
        known.clear();
        start = null;
    }
}
