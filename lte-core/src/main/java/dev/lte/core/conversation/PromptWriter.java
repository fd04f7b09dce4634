package dev.lte.core.conversation;

import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import dev.lte.UnsupportedModelException;
import dev.lte.chat.ChatMessage;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.Tool;
import dev.lte.chat.ToolCall;
import dev.lte.chat.ToolChoice;
import dev.lte.core.chat.ChatTemplate;
import dev.lte.core.conversation.ReplyFormat.Tags;
import dev.lte.core.conversation.ReplyFormat.ToolCalls;
import dev.lte.core.token.VocabularyTokenizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes prompts by a model's chat template. Immutable and thread-safe. */
public final class PromptWriter {
    private static final String PROBE = "probe";

    private final ChatTemplate template;
    private final ReplyFormat format;
    private final VocabularyTokenizer tokenizer;
    private final SpecialTexts specials;
    private final Map<Integer, String> marks;
    private final List<Integer> endOfTurnIds;

    /**
     * A prompt.
     *
     * @param ids at least one
     * @param endsInReasoning whether it ends with the open tag of reasoning, which the reply goes on with
     */
    public record Prompt(int[] ids, boolean endsInReasoning) {}

    /**
     * @param template source of the chat template
     * @throws UnsupportedModelException if it uses something that is not implemented
     * @throws dev.lte.ModelFormatException if it is no template
     */
    public PromptWriter(String template, VocabularyTokenizer tokenizer) {
        this.template = ChatTemplate.parse(template);
        this.tokenizer = tokenizer;
        format = ReplyFormat.of(template);
        specials = new SpecialTexts(tokenizer);
        marks = new HashMap<>();
        List<String> texts = format.marks();
        List<Integer> ends = new ArrayList<>();
        for (int id = 0; id < tokenizer.size(); id++) {
            if (tokenizer.isSpecial(id)) {
                String piece = tokenizer.piece(id);
                if (texts.contains(piece)) {
                    marks.put(id, piece);
                }
                // What Llama ends a message with that waits for the result of a call.
                if (format.toolCalls() == ToolCalls.LLAMA && piece.equals("<|eom_id|>")) {
                    ends.add(id);
                }
            }
        }
        ends.addAll(endOfTurn());
        endOfTurnIds = List.copyOf(ends);
    }

    public ReplyFormat format() {
        return format;
    }

    /** Special tokens that a reply's parts are told apart by, as text. */
    public Map<Integer, String> marks() {
        return marks;
    }

    /** Tokens that the template ends a reply with; perhaps not those that the vocabulary names. */
    public List<Integer> endOfTurnIds() {
        return endOfTurnIds;
    }

    /** The special token behind a reply in a conversation of two messages. */
    private List<Integer> endOfTurn() {
        String rendered;
        try {
            rendered = render(ChatRequest.of(c -> c.user(PROBE).assistant(PROBE)), false);
        } catch (LteException e) {
            return List.of(); // a template that takes no such conversation; its requests will say so
        }
        int reply = rendered.lastIndexOf(PROBE);
        int[] ids = reply < 0
                ? new int[0]
                : tokenizer.encode(rendered.substring(reply + PROBE.length()).stripLeading(), false, true);
        return ids.length > 0 && tokenizer.isSpecial(ids[0]) ? List.of(ids[0]) : List.of();
    }

    /**
     * The prompt of a request.
     *
     * @throws InvalidRequestException if the template refuses the messages, or cannot do what an option asks for
     */
    public Prompt write(ChatRequest request) {
        if (request.messages().isEmpty()) {
            throw new InvalidRequestException("messages", "at least one", "none");
        }
        if (!request.tools().isEmpty()
                && !(request.toolChoice() instanceof ToolChoice.None)
                && format.toolCalls() == ToolCalls.NONE) {
            throw new InvalidRequestException(
                    "tools",
                    "none, as the model's chat template defines no tool calls in a known form",
                    names(request));
        }
        if (request.reasoning() != null && !format.hasReasoningSwitch()) {
            throw new InvalidRequestException(
                    "reasoning", "no choice, as the model's chat template has no switch for it", request.reasoning());
        }
        String text = render(request, true);
        int[] ids = specials.encode(text);
        if (ids.length == 0) {
            throw new InvalidRequestException(
                    "messages", "messages that make a prompt of at least one token", "an empty prompt");
        }
        Tags tags = format.reasoning();
        return new Prompt(ids, tags != null && text.stripTrailing().endsWith(tags.open()));
    }

    /** The tokens of messages, without those that open a reply. */
    public int[] history(List<ChatMessage> messages) {
        return specials.encode(render(ChatRequest.builder().messages(messages).build(), false));
    }

    private static List<String> names(ChatRequest request) {
        return request.tools().stream().map(Tool::name).toList();
    }

    private String render(ChatRequest request, boolean opensReply) {
        Map<String, @Nullable Object> variables = new HashMap<>();
        variables.put("messages", request.messages().stream().map(this::message).toList());
        variables.put("add_generation_prompt", opensReply);
        variables.put("bos_token", piece(tokenizer.metadata().beginId()));
        variables.put("eos_token", piece(tokenizer.metadata().endId()));
        if (!request.tools().isEmpty() && !(request.toolChoice() instanceof ToolChoice.None)) {
            variables.put("tools", request.tools().stream().map(this::tool).toList());
        }
        if (request.reasoning() != null) {
            variables.put("enable_thinking", request.reasoning());
        }
        return template.render(variables);
    }

    private String piece(int id) {
        return id < 0 ? "" : tokenizer.piece(id);
    }

    private Map<String, @Nullable Object> message(ChatMessage message) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        switch (message) {
            case ChatMessage.System system -> values.put("role", "system");
            case ChatMessage.User user -> values.put("role", "user");
            case ChatMessage.Assistant assistant -> {
                values.put("role", "assistant");
                if (assistant.reasoning() != null) {
                    values.put("reasoning_content", specials.guard(assistant.reasoning()));
                }
                if (!assistant.toolCalls().isEmpty()) {
                    values.put(
                            "tool_calls",
                            assistant.toolCalls().stream().map(this::toolCall).toList());
                }
            }
            case ChatMessage.ToolResult result -> {
                values.put("role", "tool");
                values.put("name", result.name());
                values.put("tool_call_id", result.callId());
            }
        }
        values.put("content", specials.guard(message.text()));
        return values;
    }

    private Map<String, @Nullable Object> toolCall(ToolCall call) {
        Map<String, @Nullable Object> function = new LinkedHashMap<>();
        function.put("name", specials.guard(call.name()));
        Map<String, @Nullable Object> arguments = JsonText.object(call.arguments());
        // A model may have written arguments that are no object; templates take a text too.
        function.put("arguments", arguments == null ? specials.guard(call.arguments()) : guard(arguments));
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        values.put("id", call.id());
        values.put("type", "function");
        values.put("function", function);
        return values;
    }

    private Map<String, @Nullable Object> tool(Tool tool) {
        Map<String, @Nullable Object> parameters = JsonText.object(tool.parameters());
        if (parameters == null) {
            throw new InvalidRequestException(
                    "tools", "a JSON schema of the arguments of " + tool.name() + ", an object", tool.parameters());
        }
        Map<String, @Nullable Object> function = new LinkedHashMap<>();
        function.put("name", tool.name());
        function.put("description", specials.guard(tool.description()));
        function.put("parameters", guard(parameters));
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        values.put("type", "function");
        values.put("function", function);
        return values;
    }

    private @Nullable Object guard(@Nullable Object value) {
        return switch (value) {
            case String text -> specials.guard(text);
            case Map<?, ?> map -> {
                Map<String, @Nullable Object> guarded = new LinkedHashMap<>();
                map.forEach((key, member) -> guarded.put(specials.guard(String.valueOf(key)), guard(member)));
                yield guarded;
            }
            case List<?> list -> {
                List<@Nullable Object> guarded = new ArrayList<>(list.size());
                list.forEach(item -> guarded.add(guard(item)));
                yield guarded;
            }
            case null, default -> value;
        };
    }
}
