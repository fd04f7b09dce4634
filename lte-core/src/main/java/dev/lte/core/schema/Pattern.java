package dev.lte.core.schema;

import java.util.List;

/** A regular expression over characters, as a tree. */
sealed interface Pattern {
    /** For {@link Repeat#max}. */
    int MANY = Integer.MAX_VALUE;

    /** Edges for every text that matches; returns the state behind them. */
    int emit(Nfa nfa, int from);

    record Characters(CodePoints set) implements Pattern {
        @Override
        public int emit(Nfa nfa, int from) {
            int to = nfa.state();
            JsonText.characters(nfa, from, set, to);
            return to;
        }
    }

    record Sequence(List<Pattern> parts) implements Pattern {
        @Override
        public int emit(Nfa nfa, int from) {
            int at = from;
            for (Pattern part : parts) {
                at = part.emit(nfa, at);
            }
            return at;
        }
    }

    record Choice(List<Pattern> alternatives) implements Pattern {
        @Override
        public int emit(Nfa nfa, int from) {
            int to = nfa.state();
            for (Pattern alternative : alternatives) {
                // A state of its own, so that a loop at the begin of one alternative does not lead into another.
                int begin = nfa.state();
                nfa.skip(from, begin);
                nfa.skip(alternative.emit(nfa, begin), to);
            }
            return to;
        }
    }

    record Repeat(Pattern part, int min, int max) implements Pattern {
        @Override
        public int emit(Nfa nfa, int from) {
            int at = from;
            for (int i = 0; i < min; i++) {
                at = part.emit(nfa, at);
            }
            int to = nfa.state();
            if (max == MANY) {
                int loop = nfa.state();
                nfa.skip(at, loop);
                nfa.skip(part.emit(nfa, loop), loop);
                nfa.skip(loop, to);
                return to;
            }
            for (int i = min; i < max; i++) {
                nfa.skip(at, to);
                at = part.emit(nfa, at);
            }
            nfa.skip(at, to);
            return to;
        }
    }

    /** The strings that match, without quotes. */
    default Dfa compile(Budget budget) {
        Nfa nfa = new Nfa(budget);
        int start = nfa.state();
        return Dfa.of(nfa, start, emit(nfa, start), budget);
    }

    /** As {@link #compile}, with the closing quote. */
    default Dfa compileRestOfString(Budget budget) {
        Nfa nfa = new Nfa(budget);
        int start = nfa.state();
        return Dfa.of(nfa, start, nfa.literal(emit(nfa, start), "\""), budget);
    }
}
