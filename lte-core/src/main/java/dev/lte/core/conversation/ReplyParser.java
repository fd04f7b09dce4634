package dev.lte.core.conversation;

import dev.lte.core.conversation.ReplyFormat.Tags;
import dev.lte.core.conversation.ReplyFormat.ToolCalls;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Takes a reply apart while it is written. What can still become a mark is held back; everything else is told at once, and
 * told once. White space next to a mark belongs to the mark. What looks like a tool call and turns out to be none is text.
 *
 * <p>One per reply; not thread-safe.
 */
public final class ReplyParser {
    private enum Mode {
        /** Nothing but white space has come, and reasoning can begin. */
        BEGIN,
        REASONING,
        TEXT,
        CALL,
        /** Behind a call: another one, an end mark, or text. */
        BEHIND_CALL
    }

    private final @Nullable Tags tags;
    private final ToolCalls syntax;
    private final Set<String> tools;
    private final ReplyParts parts;
    private final StringBuilder held = new StringBuilder();

    private Mode mode;
    private boolean trims;
    private boolean hasText;
    private boolean hasCalls;
    private boolean list;
    private @Nullable CallReader call;
    private String opener = "";

    /**
     * @param tools names of the tools that may be called; if empty, nothing is read as a call
     * @param inReasoning whether the prompt ends with the open tag of reasoning
     */
    public ReplyParser(ReplyFormat format, Set<String> tools, boolean inReasoning, ReplyParts parts) {
        tags = format.reasoning();
        syntax = tools.isEmpty() ? ToolCalls.NONE : format.toolCalls();
        this.tools = tools;
        this.parts = parts;
        mode = inReasoning ? Mode.REASONING : tags != null ? Mode.BEGIN : Mode.TEXT;
        trims = inReasoning;
    }

    /** Whether what comes next is reasoning. */
    public boolean isReasoning() {
        return mode == Mode.REASONING;
    }

    /** Whether a tool call has begun and not ended. */
    public boolean isInCall() {
        return call != null && call.isAnnounced();
    }

    public void append(String text) {
        held.append(text);
        while (advance()) {}
        if (call != null) {
            call.flush();
        }
    }

    /** The reply is over: what was held back is told. */
    public void finish() {
        if (call != null) {
            giveUpCall();
            while (advance()) {}
        }
        String rest = held.toString();
        held.setLength(0);
        switch (mode) {
            case REASONING -> reasoning(rest);
            case BEGIN, TEXT -> text(rest);
            case BEHIND_CALL -> text(ReplyFormat.TOOL_CALL_END.startsWith(rest.strip()) ? "" : rest.strip());
            case CALL -> {}
        }
        call = null;
    }

    /** Whether something changed, so that it is worth to look again. */
    private boolean advance() {
        if (held.isEmpty() && mode != Mode.CALL) {
            return false;
        }
        return switch (mode) {
            case BEGIN -> begin();
            case REASONING -> reasoningGoesOn();
            case TEXT -> textGoesOn();
            case CALL -> callGoesOn();
            case BEHIND_CALL -> behindCall();
        };
    }

    private boolean begin() {
        String open = tags == null ? "" : tags.open();
        String start = held.toString().stripLeading();
        if (start.startsWith(open)) {
            held.setLength(0);
            held.append(start, open.length(), start.length());
            mode = Mode.REASONING;
            trims = true;
            return true;
        }
        if (open.startsWith(start)) {
            return false;
        }
        mode = Mode.TEXT;
        return true;
    }

    private boolean reasoningGoesOn() {
        dropLeadingSpace();
        String close = tags == null ? "" : tags.close();
        int at = held.indexOf(close);
        if (at >= 0) {
            reasoning(held.substring(0, at).stripTrailing());
            held.delete(0, at + close.length());
            mode = Mode.TEXT;
            trims = true;
            return true;
        }
        reasoning(takeCertain(List.of(close), true));
        return false;
    }

    private boolean textGoesOn() {
        dropLeadingSpace();
        if (syntax == ToolCalls.NONE) {
            text(take(held.length()));
            return false;
        }
        if (syntax == ToolCalls.LLAMA && !hasText && !hasCalls) {
            String start = held.toString().stripLeading();
            if (start.startsWith("{")) {
                opener = take(held.length() - start.length());
                return openCall();
            }
            if (start.isEmpty()) {
                return false;
            }
        }
        String mark = switch (syntax) {
            case HERMES -> ReplyFormat.TOOL_CALL;
            case LLAMA -> ReplyFormat.PYTHON_TAG;
            default -> ReplyFormat.TOOL_CALLS;
        };
        int at = held.indexOf(mark);
        if (at >= 0) {
            String before = take(at);
            text(before.stripTrailing());
            opener = before.substring(before.stripTrailing().length()) + take(mark.length());
            return openCall();
        }
        text(takeCertain(List.of(mark), true));
        return false;
    }

    private boolean openCall() {
        mode = Mode.CALL;
        list = false;
        call = newCall();
        return true;
    }

    private CallReader newCall() {
        return new CallReader(parts, syntax == ToolCalls.MISTRAL_ARGS, syntax == ToolCalls.LLAMA ? tools : Set.of());
    }

    private boolean callGoesOn() {
        CallReader reader = call;
        if (reader == null) {
            return false;
        }
        int used = 0;
        while (used < held.length()) {
            char c = held.charAt(used);
            if (syntax == ToolCalls.MISTRAL && !list && !reader.hasBegun() && c == '[') {
                list = true;
                opener += c;
                used++;
                continue;
            }
            used++;
            CallReader.State state = reader.feed(c);
            if (state == CallReader.State.DONE) {
                take(used);
                reader.flush();
                parts.callEnds();
                hasCalls = true;
                call = null;
                mode = Mode.BEHIND_CALL;
                return true;
            }
            if (state == CallReader.State.BROKEN) {
                take(used);
                giveUpCall();
                return true;
            }
        }
        take(used);
        return false;
    }

    /** The text was no call after all. What has not been told of it is text; a call that has begun stays as it is. */
    private void giveUpCall() {
        CallReader reader = call;
        call = null;
        mode = Mode.TEXT;
        trims = false;
        if (reader == null) {
            return;
        }
        if (reader.isAnnounced()) {
            reader.flush();
        } else {
            // Told at once, or the mark in it would be found again.
            text(opener + reader.raw());
        }
    }

    private boolean behindCall() {
        String rest = held.toString().stripLeading();
        String end = syntax == ToolCalls.HERMES ? ReplyFormat.TOOL_CALL_END : list ? "]" : "";
        String next = switch (syntax) {
            case HERMES -> ReplyFormat.TOOL_CALL;
            case LLAMA -> ";";
            case MISTRAL -> list ? "," : ReplyFormat.TOOL_CALLS;
            default -> ReplyFormat.TOOL_CALLS;
        };
        if (!end.isEmpty() && rest.startsWith(end)) {
            take(held.length() - rest.length() + end.length());
            list = false;
            return true;
        }
        if (rest.startsWith(next)) {
            opener = take(held.length() - rest.length() + next.length());
            boolean wasList = list;
            openCall();
            list = wasList;
            return true;
        }
        if (syntax == ToolCalls.LLAMA && rest.startsWith("{")) {
            opener = take(held.length() - rest.length());
            return openCall();
        }
        if (next.startsWith(rest) || end.startsWith(rest)) {
            return false;
        }
        take(held.length() - rest.length());
        mode = Mode.TEXT;
        trims = false;
        return true;
    }

    private void dropLeadingSpace() {
        if (trims) {
            int spaces = 0;
            while (spaces < held.length() && Character.isWhitespace(held.charAt(spaces))) {
                spaces++;
            }
            held.delete(0, spaces);
            trims = held.isEmpty();
        }
    }

    /** Takes all but an end that can still become a mark, and, if asked, the white space before it. */
    private String takeCertain(List<String> marks, boolean holdsSpace) {
        int certain = held.length();
        for (String mark : marks) {
            for (int length = Math.min(mark.length() - 1, held.length()); length > 0; length--) {
                if (mark.startsWith(held.substring(held.length() - length))) {
                    certain = Math.min(certain, held.length() - length);
                    break;
                }
            }
        }
        while (holdsSpace && certain > 0 && Character.isWhitespace(held.charAt(certain - 1))) {
            certain--;
        }
        return take(certain);
    }

    private String take(int length) {
        String taken = held.substring(0, length);
        held.delete(0, length);
        return taken;
    }

    private void text(String text) {
        if (!text.isEmpty()) {
            hasText |= !text.isBlank();
            parts.text(text);
        }
    }

    private void reasoning(String text) {
        if (!text.isEmpty()) {
            parts.reasoning(text);
        }
    }
}
