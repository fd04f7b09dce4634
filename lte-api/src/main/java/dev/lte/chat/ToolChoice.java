package dev.lte.chat;

/** Whether the model calls tools. */
public sealed interface ToolChoice {
    /** The model decides. */
    record Auto() implements ToolChoice {}

    /** It answers in text and does not see the tools. */
    record None() implements ToolChoice {}

    /** It must call one of the tools, with arguments that its schema accepts. */
    record Required() implements ToolChoice {}

    /**
     * It must call this tool, with arguments that its schema accepts.
     *
     * @param name of one of the tools of the request
     */
    record Function(String name) implements ToolChoice {}

    static ToolChoice auto() {
        return new Auto();
    }

    static ToolChoice none() {
        return new None();
    }

    static ToolChoice required() {
        return new Required();
    }

    static ToolChoice function(String name) {
        return new Function(name);
    }
}
