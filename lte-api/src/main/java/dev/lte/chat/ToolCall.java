package dev.lte.chat;

/**
 * A call that the model wants made.
 *
 * @param id ties the result to the call; unique within a conversation
 * @param name of the tool
 * @param arguments JSON text as the model wrote it, normally an object. A model may write arguments that the tool's schema does
 *     not allow, unless they were enforced ({@link Tool#strict}, {@link ToolChoice.Required}, {@link ToolChoice.Function})
 */
public record ToolCall(String id, String name, String arguments) {}
