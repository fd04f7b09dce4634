package dev.lte.core.schema;

/** A deterministic automaton over bytes, some of whose edges stand for a text of another rule. Immutable. */
sealed interface Rule permits Dfa, CountedText {
    int DEAD = -1;
    int[] NO_CALLS = {};

    int start();

    /** The state after a byte, or {@link #DEAD}. */
    int step(int state, int value);

    /** Whether the text may end in this state. */
    boolean accepts(int state);

    /** Whether a byte may follow in this state without a call. */
    boolean moves(int state);

    /** Pairs: the rule called, and the state after it. Callers must not change the array. */
    int[] calls(int state);

    /** How many characters of plain text may follow at least, whatever they are; 0 unless any plain text may. */
    int room(int state);
}
