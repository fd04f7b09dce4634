package dev.lte.chat;

import dev.lte.InvalidRequestException;

/**
 * A function that the model may ask to be called.
 *
 * @param name letters, digits, {@code _}, {@code -} and {@code .}; at most 128
 * @param description what it does, for the model; empty for none
 * @param parameters JSON Schema of its arguments as JSON text, an object
 */
public record Tool(String name, String description, String parameters) {
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
}
