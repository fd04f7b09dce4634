package dev.lte.examples.server;

import dev.lte.InvalidRequestException;
import dev.lte.ResponseFormat;
import dev.lte.chat.ChatMessage;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.Tool;
import dev.lte.chat.ToolCall;
import dev.lte.chat.ToolChoice;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The body of {@code POST /v1/chat/completions}.
 *
 * @param model what the client calls the model
 */
record ChatCompletionRequest(String model, ChatRequest chat, GenerationFields.Streaming streaming) {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    static ChatCompletionRequest read(RequestFields fields) {
        String model = fields.requiredText("model");
        GenerationFields.Streaming streaming = GenerationFields.Streaming.read(fields);
        Integer newer = fields.count("max_completion_tokens");
        Integer older = fields.count("max_tokens");
        ChatRequest.Builder chat = ChatRequest.builder();
        GenerationFields.read(fields, chat, newer == null ? older : newer);
        try {
            chat.messages(messages(fields));
            chat.tools(tools(fields));
            ToolChoice choice = toolChoice(fields);
            if (choice != null) {
                chat.toolChoice(choice);
            }
            fields.requireDefault("parallel_tool_calls", JSON.booleanNode(true));
            fields.requireDefault("modalities", JSON.arrayNode().add("text"));
            Integer alternatives = logProbabilities(fields);
            if (alternatives != null) {
                chat.logProbabilities(alternatives);
            }
            Boolean reasoning = reasoning(fields);
            if (reasoning != null) {
                chat.reasoning(reasoning);
            }
            chat.responseFormat(responseFormat(fields));
            fields.requireNoOthers();
            return new ChatCompletionRequest(model, chat.build(), streaming);
        } catch (InvalidRequestException e) {
            throw ApiException.of(e);
        }
    }

    private static List<ChatMessage> messages(RequestFields fields) {
        List<RequestFields> sent = fields.children("messages");
        if (sent.isEmpty()) {
            throw fields.missing("messages");
        }
        List<ChatMessage> messages = new ArrayList<>();
        Map<String, String> calls = new HashMap<>();
        for (RequestFields message : sent) {
            String role = message.requiredText("role");
            message.accept("name");
            switch (role) {
                case "system", "developer" -> messages.add(ChatMessage.system(content(message, true)));
                case "user" -> messages.add(ChatMessage.user(content(message, true)));
                case "assistant" -> {
                    ChatMessage.Assistant assistant = assistant(message);
                    assistant.toolCalls().forEach(call -> calls.put(call.id(), call.name()));
                    messages.add(assistant);
                }
                case "tool" -> {
                    String id = message.requiredText("tool_call_id");
                    String name = calls.get(id);
                    if (name == null) {
                        throw ApiException.invalid(
                                message.name("tool_call_id"),
                                "No tool call before this message has the id '" + id + "'.");
                    }
                    messages.add(new ChatMessage.ToolResult(id, name, content(message, true)));
                }
                default -> throw message.wrong("role", "system, developer, user, assistant or tool");
            }
            message.requireNoOthers();
        }
        return messages;
    }

    private static ChatMessage.Assistant assistant(RequestFields message) {
        List<ToolCall> calls = new ArrayList<>();
        for (RequestFields call : message.children("tool_calls")) {
            RequestFields function = function(call);
            calls.add(new ToolCall(
                    call.requiredText("id"), function.requiredText("name"), function.requiredText("arguments")));
            function.requireNoOthers();
            call.accept("index");
            call.requireNoOthers();
        }
        message.requireDefault("refusal", JSON.nullNode());
        // Clients send back what they got: empty lists of what a model of another kind would add.
        message.requireDefault("annotations", JSON.arrayNode());
        return new ChatMessage.Assistant(content(message, calls.isEmpty()), message.text("reasoning_content"), calls);
    }

    private static RequestFields function(RequestFields parent) {
        if (!parent.requiredText("type").equals("function")) {
            throw parent.wrong("type", "function");
        }
        RequestFields function = parent.child("function");
        if (function == null) {
            throw parent.missing("function");
        }
        return function;
    }

    /** A text, or parts that are texts. */
    private static String content(RequestFields message, boolean required) {
        JsonNode content = message.node("content");
        if (content == null) {
            if (required) {
                throw message.missing("content");
            }
            return "";
        }
        if (content.isString()) {
            return content.stringValue();
        }
        StringBuilder text = new StringBuilder();
        for (RequestFields part : message.children("content")) {
            if (!part.requiredText("type").equals("text")) {
                throw ApiException.invalid(
                        part.name("type"), "Only parts of type text are supported.", "unsupported_value");
            }
            text.append(part.requiredText("text"));
            part.requireNoOthers();
        }
        return text.toString();
    }

    private static List<Tool> tools(RequestFields fields) {
        List<Tool> tools = new ArrayList<>();
        for (RequestFields tool : fields.children("tools")) {
            RequestFields function = function(tool);
            String description = function.text("description");
            RequestFields parameters = function.child("parameters");
            JsonNode schema = function.node("parameters");
            tools.add(new Tool(
                    function.requiredText("name"),
                    description == null ? "" : description,
                    parameters == null || schema == null ? Tool.NO_PARAMETERS : schema.toString(),
                    function.flag("strict", false)));
            function.requireNoOthers();
            tool.requireNoOthers();
        }
        return tools;
    }

    private static @Nullable ToolChoice toolChoice(RequestFields fields) {
        JsonNode choice = fields.node("tool_choice");
        if (choice == null) {
            return null;
        }
        if (choice.isObject()) {
            RequestFields named = RequestFields.of(choice, "tool_choice");
            RequestFields function = function(named);
            ToolChoice chosen = ToolChoice.function(function.requiredText("name"));
            function.requireNoOthers();
            named.requireNoOthers();
            return chosen;
        }
        return switch (choice.isString() ? choice.stringValue() : "") {
            case "auto" -> ToolChoice.auto();
            case "none" -> ToolChoice.none();
            case "required" -> ToolChoice.required();
            default -> throw fields.wrong("tool_choice", "none, auto, required or a function");
        };
    }

    private static @Nullable Integer logProbabilities(RequestFields fields) {
        boolean wanted = fields.flag("logprobs", false);
        Long alternatives = fields.integer("top_logprobs");
        if (alternatives != null && (!wanted || alternatives < 0 || alternatives > 20)) {
            throw fields.wrong("top_logprobs", "0 to 20, with logprobs true");
        }
        return wanted ? Integer.valueOf(alternatives == null ? 0 : alternatives.intValue()) : null;
    }

    /** {@code reasoning_effort: none}, or the switch of the template as other servers name it. */
    private static @Nullable Boolean reasoning(RequestFields fields) {
        Boolean think = null;
        String effort = fields.text("reasoning_effort");
        if (effort != null) {
            if (!effort.equals("none")) {
                throw ApiException.invalid(
                        "reasoning_effort",
                        "Only none is supported; chat_template_kwargs.enable_thinking switches thinking on.",
                        "unsupported_value");
            }
            think = false;
        }
        RequestFields template = fields.child("chat_template_kwargs");
        if (template != null) {
            think = template.flag("enable_thinking");
            template.requireNoOthers();
        }
        return think;
    }

    private static ResponseFormat responseFormat(RequestFields fields) {
        RequestFields format = fields.child("response_format");
        if (format == null) {
            return ResponseFormat.text();
        }
        ResponseFormat read = switch (format.requiredText("type")) {
            case "text" -> ResponseFormat.text();
            case "json_object" -> ResponseFormat.jsonObject();
            case "json_schema" -> schema(format);
            default -> throw format.wrong("type", "text, json_object or json_schema");
        };
        format.requireNoOthers();
        return read;
    }

    private static ResponseFormat schema(RequestFields format) {
        RequestFields described = format.child("json_schema");
        if (described == null) {
            throw format.missing("json_schema");
        }
        JsonNode schema = described.node("schema");
        if (schema == null) {
            throw described.missing("schema");
        }
        // Name and description are for people; schemas are always strict.
        described.accept("name", "description", "strict");
        described.requireNoOthers();
        return ResponseFormat.jsonSchema(schema.toString());
    }
}
