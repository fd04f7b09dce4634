package dev.lte.core.conversation;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How replies are written, by the marks that the chat template itself writes.
 *
 * @param reasoning the tags around what is thought before an answer, or null
 * @param toolCalls how tool calls are written
 * @param hasReasoningSwitch whether the template reads {@code enable_thinking}
 */
public record ReplyFormat(@Nullable Tags reasoning, ToolCalls toolCalls, boolean hasReasoningSwitch) {
    /** A text between two marks. */
    public record Tags(String open, String close) {}

    /** Families of tool calls. */
    public enum ToolCalls {
        /** The template defines none, or in a way that is not read here. */
        NONE,
        /** {@code <tool_call>{"name": ..., "arguments": ...}</tool_call>}, any number of them. */
        HERMES,
        /** The whole reply is {@code {"name": ..., "parameters": ...}}, perhaps behind {@code <|python_tag|>}. */
        LLAMA,
        /** <code>[TOOL_CALLS]</code> and a JSON list of {@code {"name": ..., "arguments": ...}}. */
        MISTRAL,
        /** <code>[TOOL_CALLS]name[ARGS]{...}</code>, any number of them. */
        MISTRAL_ARGS
    }

    public static final String TOOL_CALL = "<tool_call>";
    public static final String TOOL_CALL_END = "</tool_call>";
    public static final String PYTHON_TAG = "<|python_tag|>";
    public static final String TOOL_CALLS = "[TOOL_CALLS]";
    public static final String ARGS = "[ARGS]";
    public static final String CALL_ID = "[CALL_ID]";

    private static final List<Tags> REASONING = List.of(
            new Tags("<think>", "</think>"),
            new Tags("<thinking>", "</thinking>"),
            new Tags("<reasoning>", "</reasoning>"),
            new Tags("<seed:think>", "</seed:think>"),
            new Tags("[THINK]", "[/THINK]"),
            new Tags("<|START_THINKING|>", "<|END_THINKING|>"));

    /** @param template source of a chat template */
    public static ReplyFormat of(String template) {
        Tags reasoning = REASONING.stream()
                .filter(tags -> template.contains(tags.close()))
                .findFirst()
                .orElse(null);
        return new ReplyFormat(reasoning, toolCalls(template), template.contains("enable_thinking"));
    }

    private static ToolCalls toolCalls(String template) {
        if (!template.contains("tools")) {
            return ToolCalls.NONE;
        }
        boolean hermes = template.contains(TOOL_CALL) && template.contains(TOOL_CALL_END);
        // Calls in XML, which some templates write between the same tags.
        boolean xml = template.contains("<function=") || template.contains("<arg_key>");
        if (hermes && !xml) {
            return ToolCalls.HERMES;
        }
        if (template.contains(TOOL_CALLS)) {
            return template.contains(ARGS) ? ToolCalls.MISTRAL_ARGS : ToolCalls.MISTRAL;
        }
        boolean llama = template.contains("{\"name\": function name, \"parameters\"") || template.contains(PYTHON_TAG);
        return llama && template.contains("\"parameters\"") ? ToolCalls.LLAMA : ToolCalls.NONE;
    }

    /** What every tool call begins with, wherever it stands; null if calls are found in another way, or not at all. */
    public @Nullable String callMark() {
        return switch (toolCalls) {
            case NONE, LLAMA -> null;
            case HERMES -> TOOL_CALL;
            case MISTRAL, MISTRAL_ARGS -> TOOL_CALLS;
        };
    }

    /** Marks that can be special tokens, which a decoder leaves out of a text unless it is told. */
    public List<String> marks() {
        List<String> marks = new ArrayList<>();
        if (reasoning != null) {
            marks.add(reasoning.open());
            marks.add(reasoning.close());
        }
        marks.addAll(
                switch (toolCalls) {
                    case NONE -> List.of();
                    case HERMES -> List.of(TOOL_CALL, TOOL_CALL_END);
                    case LLAMA -> List.of(PYTHON_TAG);
                    case MISTRAL, MISTRAL_ARGS -> List.of(TOOL_CALLS, ARGS, CALL_ID);
                });
        return marks;
    }
}
