package dev.lte.core.schema;

/**
 * The rest of a JSON string behind its opening quote: {@code minLength} to {@code maxLength} characters, however they are
 * escaped, and the closing quote. The count is part of the state's number, so that bounds cost no table.
 */
final class CountedText implements Rule {
    static final int UNBOUNDED = -1;

    private final Dfa character;
    private final int min;
    private final int max;
    private final int closed;

    /** @param character one character, from {@link #character} */
    CountedText(Dfa character, int min, int max) {
        this.character = character;
        this.min = min;
        this.max = max;
        closed = Math.multiplyExact(Math.addExact(Math.max(min, max), 1), character.states());
    }

    /** The largest bound that the numbers of states allow. */
    static int largestBound(Dfa character) {
        return Integer.MAX_VALUE / character.states() - 2;
    }

    /** One character of a JSON string: itself, or any escape; {@code \}{@code u} escapes of surrogates only in pairs. */
    static Dfa character(Budget budget) {
        Nfa nfa = new Nfa(budget);
        int start = nfa.state();
        int accept = nfa.state();
        JsonText.characters(nfa, start, CodePoints.of(0x20, 0x21, 0x23, 0x5B, 0x5D, Character.MAX_CODE_POINT), accept);
        int escape = nfa.literal(start, "\\");
        for (char simple : "\"\\/bfnrt".toCharArray()) {
            nfa.bytes(escape, simple, simple, accept);
        }
        // Four hexadecimal digits of no surrogate: the first is not d, or the second below 8.
        int unicode = nfa.literal(escape, "u");
        int any = nfa.state();
        int d = nfa.state();
        hex(nfa, unicode, "0123456789abcefABCEF", any);
        hex(nfa, unicode, "dD", d);
        String digits = "0123456789abcdefABCDEF";
        int two = nfa.state();
        hex(nfa, any, digits, two);
        hex(nfa, d, "01234567", two);
        twoDigits(nfa, two, digits, accept);
        int high = nfa.state();
        hex(nfa, d, "89abAB", high);
        int between = nfa.state();
        twoDigits(nfa, high, digits, between);
        int lowD = nfa.state();
        hex(nfa, nfa.literal(between, "\\u"), "dD", lowD);
        int low = nfa.state();
        hex(nfa, lowD, "cdefCDEF", low);
        twoDigits(nfa, low, digits, accept);
        return Dfa.of(nfa, start, accept, budget);
    }

    private static void twoDigits(Nfa nfa, int from, String digits, int to) {
        int middle = nfa.state();
        hex(nfa, from, digits, middle);
        hex(nfa, middle, digits, to);
    }

    private static void hex(Nfa nfa, int from, String digits, int to) {
        for (char digit : digits.toCharArray()) {
            nfa.bytes(from, digit, digit, to);
        }
    }

    Dfa character() {
        return character;
    }

    @Override
    public int start() {
        return 0;
    }

    @Override
    public int step(int state, int value) {
        if (state == closed) {
            return DEAD;
        }
        int count = state / character.states();
        int inside = state % character.states();
        if (inside == 0) {
            if (value == '"') {
                return count >= min ? closed : DEAD;
            }
            if (count == max) {
                return DEAD;
            }
        }
        int next = character.step(inside, value);
        if (next == DEAD) {
            return DEAD;
        }
        if (character.accepts(next)) {
            int counted = max == UNBOUNDED ? Math.min(count + 1, min) : count + 1;
            return counted * character.states();
        }
        return count * character.states() + next;
    }

    @Override
    public boolean accepts(int state) {
        return state == closed;
    }

    @Override
    public boolean moves(int state) {
        return state != closed;
    }

    @Override
    public int[] calls(int state) {
        return NO_CALLS;
    }

    @Override
    public int room(int state) {
        if (state == closed || state % character.states() != 0) {
            return 0;
        }
        return max == UNBOUNDED ? Integer.MAX_VALUE : max - state / character.states();
    }

    /** The state of {@link #character} that a state is in; not for the last one. */
    int inside(int state) {
        return state % character.states();
    }
}
