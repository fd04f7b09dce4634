package dev.lte.chat;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** One message of a conversation. */
public sealed interface ChatMessage {
    /** What was said, without reasoning and tool calls. */
    String text();

    /** What holds for the whole conversation. */
    record System(String text) implements ChatMessage {}

    /** What the user says. */
    record User(String text) implements ChatMessage {}

    /**
     * What the model answered.
     *
     * @param text the answer, empty if the model only called tools
     * @param reasoning what it thought before, or null; most templates leave it out of later prompts
     * @param toolCalls in the order in which they were made
     */
    record Assistant(String text, @Nullable String reasoning, List<ToolCall> toolCalls) implements ChatMessage {
        public Assistant {
            toolCalls = List.copyOf(toolCalls);
        }
    }

    /**
     * What a tool returned.
     *
     * @param callId {@link ToolCall#id} of the call that it answers
     * @param name of the tool
     * @param text the result, often JSON
     */
    record ToolResult(String callId, String name, String text) implements ChatMessage {}

    static System system(String text) {
        return new System(text);
    }

    static User user(String text) {
        return new User(text);
    }

    static Assistant assistant(String text) {
        return new Assistant(text, null, List.of());
    }

    /** The result of a call of {@link Assistant#toolCalls}. */
    static ToolResult toolResult(ToolCall call, String text) {
        return new ToolResult(call.id(), call.name(), text);
    }
}
