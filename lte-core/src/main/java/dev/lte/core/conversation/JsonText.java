package dev.lte.core.conversation;

import dev.lte.core.io.JsonView;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** JSON texts as the values that templates compute with. */
final class JsonText {
    private static final JsonMapper MAPPER = JsonView.mapper();

    private JsonText() {}

    /** The text that a JSON string spells, or null if it is none. */
    static @Nullable String string(String json) {
        JsonNode node = tree(json);
        return node == null || !node.isString() ? null : node.stringValue();
    }

    /** The members of an object in their order, or null if the text is no JSON object. */
    static @Nullable Map<String, @Nullable Object> object(String json) {
        JsonNode node = tree(json);
        return node == null || !node.isObject() ? null : members(node);
    }

    private static @Nullable JsonNode tree(String json) {
        try {
            return MAPPER.readTree(json);
        } catch (JacksonException e) {
            return null; // the callers know what a text that is no JSON means
        }
    }

    private static Map<String, @Nullable Object> members(JsonNode node) {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        node.properties().forEach(entry -> members.put(entry.getKey(), value(entry.getValue())));
        return members;
    }

    private static @Nullable Object value(JsonNode node) {
        if (node.isNull()) {
            return null;
        }
        if (node.isObject()) {
            return members(node);
        }
        if (node.isArray()) {
            List<@Nullable Object> items = new ArrayList<>(node.size());
            node.forEach(item -> items.add(value(item)));
            return items;
        }
        if (node.isString()) {
            return node.stringValue();
        }
        if (node.isBoolean()) {
            return node.booleanValue();
        }
        return node.isIntegralNumber() && node.canConvertToLong() ? (Object) node.longValue() : node.doubleValue();
    }
}
