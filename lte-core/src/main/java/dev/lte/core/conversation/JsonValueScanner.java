package dev.lte.core.conversation;

/** Finds where a JSON value ends, character by character. It balances brackets and strings and leaves the rest unchecked. */
final class JsonValueScanner {
    enum State {
        /** The character is of the value, and not its last. */
        INSIDE,
        /** The character is the last of the value. */
        LAST,
        /** The value ended before the character. */
        BEHIND,
        /** No value begins or goes on like this. */
        BROKEN
    }

    private int depth;
    private boolean begun;
    private boolean inString;
    private boolean escaped;

    State feed(char c) {
        if (inString) {
            if (escaped) {
                escaped = false;
            } else if (c == '\\') {
                escaped = true;
            } else if (c == '"') {
                inString = false;
                return depth == 0 ? State.LAST : State.INSIDE;
            }
            return State.INSIDE;
        }
        boolean first = !begun;
        begun = true;
        switch (c) {
            case '"' -> {
                if (!first && depth == 0) {
                    return State.BROKEN;
                }
                inString = true;
            }
            case '{', '[' -> {
                if (!first && depth == 0) {
                    return State.BROKEN;
                }
                depth++;
            }
            case '}', ']' -> {
                if (depth == 0) {
                    return first ? State.BROKEN : State.BEHIND;
                }
                return --depth == 0 ? State.LAST : State.INSIDE;
            }
            case ',', ':' -> {
                if (depth == 0) {
                    return first || c == ':' ? State.BROKEN : State.BEHIND;
                }
            }
            case ' ', '\n', '\r', '\t' -> {
                if (depth == 0) {
                    return first ? State.BROKEN : State.BEHIND;
                }
            }
            default -> {
                boolean scalar = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || "+-.E".indexOf(c) >= 0;
                if (!scalar) {
                    return State.BROKEN;
                }
            }
        }
        return State.INSIDE;
    }
}
