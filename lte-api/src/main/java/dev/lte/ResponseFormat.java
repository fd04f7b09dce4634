package dev.lte;

/** What a generated text must be. Formats other than {@link Text} are enforced at every token, not hoped for. */
public sealed interface ResponseFormat {
    /** Anything. */
    record Text() implements ResponseFormat {}

    /** A JSON object with any members. */
    record JsonObject() implements ResponseFormat {}

    /**
     * JSON that a schema accepts.
     *
     * @param schema JSON Schema as JSON text; keywords that cannot be enforced are refused with {@link InvalidRequestException}
     */
    record JsonSchema(String schema) implements ResponseFormat {
        public JsonSchema {
            if (schema.isBlank()) {
                throw new InvalidRequestException("responseFormat", "a JSON schema", "an empty text");
            }
        }
    }

    static ResponseFormat text() {
        return new Text();
    }

    static ResponseFormat jsonObject() {
        return new JsonObject();
    }

    static ResponseFormat jsonSchema(String schema) {
        return new JsonSchema(schema);
    }
}
