package dev.lte.core.conversation;

import java.util.Set;

/** Reads one tool call and tells of it, once it is certain to be one. */
final class CallReader {
    enum State {
        OPEN,
        DONE,
        BROKEN
    }

    private static final int MAX_NAME = 256;

    private final ReplyParts parts;
    private final boolean nameFirst;
    private final Set<String> known;
    private final StringBuilder raw = new StringBuilder();
    private final StringBuilder name = new StringBuilder();
    private final StringBuilder arguments = new StringBuilder();
    private final CallScanner call = new CallScanner();
    private final JsonValueScanner value = new JsonValueScanner();
    private boolean inArguments;
    private boolean announced;

    /**
     * @param nameFirst whether the name comes before the arguments, without quotes, instead of both in an object
     * @param known names that make an object a call; empty for any
     */
    CallReader(ReplyParts parts, boolean nameFirst, Set<String> known) {
        this.parts = parts;
        this.nameFirst = nameFirst;
        this.known = known;
    }

    /** Whether anything but white space has come. */
    boolean hasBegun() {
        return !raw.toString().isBlank();
    }

    boolean isAnnounced() {
        return announced;
    }

    /** All that has come. */
    String raw() {
        return raw.toString();
    }

    State feed(char c) {
        if (!announced) {
            raw.append(c);
        }
        return nameFirst ? feedNamed(c) : feedObject(c);
    }

    private State feedObject(char c) {
        CallScanner.State state = call.feed(c);
        if (state == CallScanner.State.BROKEN) {
            return State.BROKEN;
        }
        String found = call.name();
        if (!announced && (!known.isEmpty() && (call.startsOtherwise() || found != null && !known.contains(found)))) {
            return State.BROKEN;
        }
        if (!announced && found != null && (call.hasArguments() || state == CallScanner.State.DONE)) {
            announce(found);
        }
        if (announced) {
            arguments.append(call.takeArguments());
        }
        if (state == CallScanner.State.DONE && !call.hasArguments()) {
            arguments.append("{}");
        }
        return state == CallScanner.State.DONE ? State.DONE : State.OPEN;
    }

    private State feedNamed(char c) {
        if (!inArguments) {
            if (c != '{') {
                name.append(c);
                return name.length() > MAX_NAME ? State.BROKEN : State.OPEN;
            }
            String found = beforeMark(beforeMark(name.toString(), ReplyFormat.ARGS), ReplyFormat.CALL_ID)
                    .strip();
            if (found.isEmpty()) {
                return State.BROKEN;
            }
            inArguments = true;
            announce(found);
        }
        JsonValueScanner.State state = value.feed(c);
        if (state == JsonValueScanner.State.BROKEN || state == JsonValueScanner.State.BEHIND) {
            return State.BROKEN;
        }
        arguments.append(c);
        return state == JsonValueScanner.State.LAST ? State.DONE : State.OPEN;
    }

    private static String beforeMark(String text, String mark) {
        int at = text.indexOf(mark);
        return at < 0 ? text : text.substring(0, at);
    }

    private void announce(String found) {
        announced = true;
        parts.callBegins(found);
    }

    /** Tells the arguments that have come since the last time. */
    void flush() {
        if (announced && !arguments.isEmpty()) {
            parts.callArguments(arguments.toString());
            arguments.setLength(0);
        }
    }
}
