package dev.lte.chat;

import dev.lte.InvalidRequestException;

/**
 * A function that the model may ask to be called.
 *
 * @param name letters, digits, {@code _}, {@code -} and {@code .}; at most 128
 * @param description what it does, for the model; empty for none
 * @param parameters JSON Schema of its arguments as JSON text, an object
 * @param strict whether arguments are held to the schema, token by token, where the model decides whether to call ({@link
 *     ToolChoice.Auto}); where a call is required they always are. A schema that cannot be enforced, and a template whose calls
 *     cannot be told from text by a mark, then end the stream with an error before any work
 */
public record Tool(String name, String description, String parameters, boolean strict) {
    /** A tool without arguments. */
    public static final String NO_PARAMETERS = "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}";

    public Tool {
        if (!name.matches("[A-Za-z0-9_.-]{1,128}")) {
            throw new InvalidRequestException("tools", "names of letters, digits, _, - and ., at most 128", name);
        }
        if (parameters.isBlank()) {
            throw new InvalidRequestException("tools", "a JSON schema of the arguments of " + name, "an empty text");
        }
    }

    /** A tool that is not strict. */
    public Tool(String name, String description, String parameters) {
        this(name, description, parameters, false);
    }

    /** The same tool, strict. */
    public Tool asStrict() {
        return new Tool(name, description, parameters, true);
    }
}
