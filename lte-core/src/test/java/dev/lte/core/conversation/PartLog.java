package dev.lte.core.conversation;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The parts of a reply as lines, neighbours of the same kind joined. */
final class PartLog implements ReplyParts {
    private final List<String> lines = new ArrayList<>();
    private boolean open;

    private void add(String kind, String text) {
        assertNotEmpty(text);
        if (open && !lines.isEmpty() && lines.getLast().startsWith(kind)) {
            lines.set(lines.size() - 1, lines.getLast() + text);
        } else {
            lines.add(kind + text);
        }
        open = true;
    }

    private static void assertNotEmpty(String text) {
        if (text.isEmpty()) {
            throw new AssertionError("a part without content");
        }
    }

    @Override
    public void text(String text) {
        add("text: ", text);
    }

    @Override
    public void reasoning(String text) {
        add("reasoning: ", text);
    }

    @Override
    public void callBegins(String name) {
        lines.add("call: " + name);
        open = false;
    }

    @Override
    public void callArguments(String json) {
        add("arguments: ", json);
    }

    @Override
    public void callEnds() {
        lines.add("end");
        open = false;
    }

    List<String> lines() {
        return lines;
    }

    static List<String> of(ReplyFormat format, Set<String> tools, boolean inReasoning, List<String> pieces) {
        PartLog log = new PartLog();
        ReplyParser parser = new ReplyParser(format, tools, inReasoning, log);
        pieces.forEach(parser::append);
        parser.finish();
        return log.lines();
    }
}
