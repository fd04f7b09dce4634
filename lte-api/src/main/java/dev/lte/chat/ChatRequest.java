package dev.lte.chat;

import dev.lte.GenerationOptions;
import dev.lte.InvalidRequestException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A conversation to go on with, and how. Immutable; made by {@link #of} or {@link #builder}. An option that the model, its
 * template or the backend cannot honour ends the stream with an error before any work; none is ignored.
 */
public final class ChatRequest {
    private final List<ChatMessage> messages;
    private final List<Tool> tools;
    private final ToolChoice toolChoice;
    private final @Nullable Boolean reasoning;
    private final GenerationOptions options;

    private ChatRequest(Builder builder) {
        messages = List.copyOf(builder.messages);
        tools = List.copyOf(builder.tools);
        toolChoice = builder.toolChoice;
        reasoning = builder.reasoning;
        options = builder.described();
        Set<String> names = new HashSet<>();
        for (Tool tool : tools) {
            if (!names.add(tool.name())) {
                throw new InvalidRequestException("tools", "tools of different names", tool.name() + " twice");
            }
        }
        if (toolChoice instanceof ToolChoice.Function function && !names.contains(function.name())) {
            throw new InvalidRequestException("toolChoice", "one of the tools " + names, function.name());
        }
        if (toolChoice instanceof ToolChoice.Required && tools.isEmpty()) {
            throw new InvalidRequestException("toolChoice", "tools to choose from", "none");
        }
    }

    public static Builder builder() {
        return new Builder();
    }

    /** {@snippet : ChatRequest.of(c -> c.system("You are terse.").user("Name a planet.")); } */
    public static ChatRequest of(Consumer<Builder> description) {
        Builder builder = builder();
        description.accept(builder);
        return builder.build();
    }

    /** A builder with everything of this request. */
    public Builder toBuilder() {
        Builder builder = new Builder()
                .messages(messages)
                .tools(tools)
                .toolChoice(toolChoice)
                .options(options);
        builder.reasoning = reasoning;
        return builder;
    }

    /** Oldest first. */
    public List<ChatMessage> messages() {
        return messages;
    }

    public List<Tool> tools() {
        return tools;
    }

    public ToolChoice toolChoice() {
        return toolChoice;
    }

    /** Whether the model should think before it answers; null leaves it to the template. */
    public @Nullable Boolean reasoning() {
        return reasoning;
    }

    /** Sampling, limits, stops and the form of the answer. */
    public GenerationOptions options() {
        return options;
    }

    /** Not thread-safe. */
    public static final class Builder extends GenerationOptions.Builder<Builder> {
        private List<ChatMessage> messages = new ArrayList<>();
        private List<Tool> tools = new ArrayList<>();
        private ToolChoice toolChoice = ToolChoice.auto();
        private @Nullable Boolean reasoning;

        private Builder() {
            super(0);
        }

        private GenerationOptions described() {
            return options();
        }

        @Override
        protected Builder self() {
            return this;
        }

        /** Adds a message. */
        public Builder message(ChatMessage message) {
            messages.add(message);
            return this;
        }

        /** Replaces all messages. */
        public Builder messages(List<? extends ChatMessage> all) {
            messages = new ArrayList<>(all);
            return this;
        }

        public Builder system(String text) {
            return message(ChatMessage.system(text));
        }

        public Builder user(String text) {
            return message(ChatMessage.user(text));
        }

        public Builder assistant(String text) {
            return message(ChatMessage.assistant(text));
        }

        /** Adds a tool. A model whose template defines no tool calls refuses it. */
        public Builder tool(Tool tool) {
            tools.add(tool);
            return this;
        }

        /** Replaces all tools. */
        public Builder tools(List<Tool> all) {
            tools = new ArrayList<>(all);
            return this;
        }

        /** {@link ToolChoice.Auto} by default. */
        public Builder toolChoice(ToolChoice choice) {
            toolChoice = choice;
            return this;
        }

        /** Switches thinking on or off; a model whose template has no such switch refuses it. */
        public Builder reasoning(boolean think) {
            reasoning = think;
            return this;
        }

        public ChatRequest build() {
            return new ChatRequest(this);
        }
    }
}
