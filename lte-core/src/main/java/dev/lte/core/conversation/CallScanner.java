package dev.lte.core.conversation;

import org.jspecify.annotations.Nullable;

/**
 * Reads a tool call, {@code {"name": "f", "arguments": {...}}}, character by character, so that arguments can be passed on
 * while they are written. Members may come in any order; arguments before the name are held until it is known, arguments that
 * are a string are taken for JSON in that string, and other members are skipped.
 */
final class CallScanner {
    enum State {
        /** The call has not ended. */
        OPEN,
        /** The character was the last of the call. */
        DONE,
        /** The text is no call: no object, or one without a name. */
        BROKEN
    }

    private enum Place {
        BEFORE,
        KEY_OR_END,
        KEY,
        COLON,
        VALUE,
        COMMA_OR_END
    }

    private final StringBuilder key = new StringBuilder();
    private final StringBuilder value = new StringBuilder();
    private final StringBuilder arguments = new StringBuilder();
    private Place place = Place.BEFORE;
    private JsonValueScanner scanner = new JsonValueScanner();
    private @Nullable String name;
    private boolean hasArguments;

    /** The name, once it is known. */
    @Nullable
    String name() {
        return name;
    }

    /** Whether a member comes that no call begins with: the text is something else. */
    boolean startsOtherwise() {
        return name == null
                && place == Place.VALUE
                && !isName()
                && !key.toString().equals("\"type\"");
    }

    /** What has been read of the arguments since the last time; empty while there is no name. */
    String takeArguments() {
        if (name == null) {
            return "";
        }
        String taken = arguments.toString();
        arguments.setLength(0);
        return taken;
    }

    boolean hasArguments() {
        return hasArguments;
    }

    State feed(char c) {
        switch (place) {
            case BEFORE -> {
                if (c == '{') {
                    place = Place.KEY_OR_END;
                } else if (!isSpace(c)) {
                    return State.BROKEN;
                }
            }
            case KEY_OR_END -> {
                if (c == '"') {
                    key.setLength(0);
                    key.append(c);
                    scanner = new JsonValueScanner();
                    scanner.feed(c);
                    place = Place.KEY;
                } else if (c == '}') {
                    return end();
                } else if (!isSpace(c)) {
                    return State.BROKEN;
                }
            }
            case KEY -> {
                key.append(c);
                if (scanner.feed(c) == JsonValueScanner.State.LAST) {
                    place = Place.COLON;
                }
            }
            case COLON -> {
                if (c == ':') {
                    value.setLength(0);
                    scanner = new JsonValueScanner();
                    place = Place.VALUE;
                } else if (!isSpace(c)) {
                    return State.BROKEN;
                }
            }
            case VALUE -> {
                return value(c);
            }
            case COMMA_OR_END -> {
                if (c == ',') {
                    place = Place.KEY_OR_END;
                } else if (c == '}') {
                    return end();
                } else if (!isSpace(c)) {
                    return State.BROKEN;
                }
            }
        }
        return State.OPEN;
    }

    private State value(char c) {
        if (value.isEmpty() && isSpace(c)) {
            return State.OPEN;
        }
        JsonValueScanner.State state = scanner.feed(c);
        switch (state) {
            case BROKEN -> {
                return State.BROKEN;
            }
            case BEHIND -> {
                if (!valueEnds()) {
                    return State.BROKEN;
                }
                place = Place.COMMA_OR_END;
                return feed(c);
            }
            case INSIDE, LAST -> {
                value.append(c);
                if (isArguments() && value.charAt(0) != '"') {
                    hasArguments = true;
                    arguments.append(c);
                }
                if (state == JsonValueScanner.State.LAST) {
                    if (!valueEnds()) {
                        return State.BROKEN;
                    }
                    place = Place.COMMA_OR_END;
                }
            }
        }
        return State.OPEN;
    }

    private boolean valueEnds() {
        if (isName()) {
            name = JsonText.string(value.toString());
            return name != null && !name.isEmpty();
        }
        if (isArguments() && value.charAt(0) == '"') {
            String inside = JsonText.string(value.toString());
            if (inside == null) {
                return false;
            }
            hasArguments = true;
            arguments.append(inside);
        }
        return true;
    }

    private State end() {
        return name == null ? State.BROKEN : State.DONE;
    }

    private boolean isName() {
        return key.toString().equals("\"name\"");
    }

    private boolean isArguments() {
        String text = key.toString();
        return text.equals("\"arguments\"") || text.equals("\"parameters\"");
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\n' || c == '\r' || c == '\t';
    }
}
