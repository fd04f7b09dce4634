package dev.lte.core.conversation;

import dev.lte.chat.ChatMessage;
import dev.lte.chat.ToolCall;
import dev.lte.core.io.JsonView;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Messages as JSON, for files: a list of objects with {@code role} and what the role has. */
public final class MessagesJson {
    private MessagesJson() {}

    public static byte[] write(List<ChatMessage> messages) {
        JsonMapper mapper = JsonView.mapper();
        ArrayNode list = mapper.createArrayNode();
        for (ChatMessage message : messages) {
            ObjectNode node = list.addObject();
            node.put("text", message.text());
            switch (message) {
                case ChatMessage.System system -> node.put("role", "system");
                case ChatMessage.User user -> node.put("role", "user");
                case ChatMessage.Assistant assistant -> {
                    node.put("role", "assistant");
                    if (assistant.reasoning() != null) {
                        node.put("reasoning", assistant.reasoning());
                    }
                    ArrayNode calls = node.putArray("toolCalls");
                    for (ToolCall call : assistant.toolCalls()) {
                        calls.addObject()
                                .put("id", call.id())
                                .put("name", call.name())
                                .put("arguments", call.arguments());
                    }
                }
                case ChatMessage.ToolResult result ->
                    node.put("role", "tool").put("callId", result.callId()).put("name", result.name());
            }
        }
        return list.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** @throws dev.lte.ModelFormatException if the bytes are no such list */
    public static List<ChatMessage> read(byte[] json, @Nullable Path file) {
        List<ChatMessage> messages = new ArrayList<>();
        for (JsonView node : JsonView.parse(json, file, "messages").elements()) {
            String text = node.get("text").text();
            messages.add(
                    switch (node.get("role").text()) {
                        case "system" -> ChatMessage.system(text);
                        case "user" -> ChatMessage.user(text);
                        case "assistant" -> assistant(node, text);
                        case "tool" ->
                            new ChatMessage.ToolResult(
                                    node.get("callId").text(), node.get("name").text(), text);
                        default -> throw node.get("role").invalid("system, user, assistant or tool");
                    });
        }
        return messages;
    }

    private static ChatMessage.Assistant assistant(JsonView node, String text) {
        List<ToolCall> calls = new ArrayList<>();
        for (JsonView call : node.get("toolCalls").elements()) {
            calls.add(new ToolCall(
                    call.get("id").text(),
                    call.get("name").text(),
                    call.get("arguments").text()));
        }
        return new ChatMessage.Assistant(text, node.get("reasoning").textOrNull(), calls);
    }
}
