package dev.lte.core.schema;

import dev.lte.UnsupportedSchemaException;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** One schema object with typed access to its keywords. What is of the wrong kind is an error that names keyword and path. */
record SchemaView(JsonNode node, String path) {
    /** Keywords that say nothing about which values are valid. */
    private static final Set<String> ANNOTATIONS = Set.of(
            "title",
            "description",
            "default",
            "examples",
            "example",
            "$schema",
            "$comment",
            "$defs",
            "definitions",
            "$anchor",
            "deprecated",
            "readOnly",
            "writeOnly",
            // OpenAPI's hint at which branch of a oneOf is meant; the branches say it themselves.
            "discriminator");

    private static final Map<String, EnumSet<JsonType>> OF_TYPE = Map.ofEntries(
            Map.entry("properties", EnumSet.of(JsonType.OBJECT)),
            Map.entry("required", EnumSet.of(JsonType.OBJECT)),
            Map.entry("additionalProperties", EnumSet.of(JsonType.OBJECT)),
            Map.entry("items", EnumSet.of(JsonType.ARRAY)),
            Map.entry("prefixItems", EnumSet.of(JsonType.ARRAY)),
            Map.entry("minItems", EnumSet.of(JsonType.ARRAY)),
            Map.entry("maxItems", EnumSet.of(JsonType.ARRAY)),
            Map.entry("minLength", EnumSet.of(JsonType.STRING)),
            Map.entry("maxLength", EnumSet.of(JsonType.STRING)),
            Map.entry("pattern", EnumSet.of(JsonType.STRING)),
            Map.entry("format", EnumSet.of(JsonType.STRING)),
            Map.entry("minimum", EnumSet.of(JsonType.NUMBER, JsonType.INTEGER)),
            Map.entry("maximum", EnumSet.of(JsonType.NUMBER, JsonType.INTEGER)),
            Map.entry("exclusiveMinimum", EnumSet.of(JsonType.NUMBER, JsonType.INTEGER)),
            Map.entry("exclusiveMaximum", EnumSet.of(JsonType.NUMBER, JsonType.INTEGER)),
            Map.entry("multipleOf", EnumSet.of(JsonType.NUMBER, JsonType.INTEGER)));

    /** Keywords that stand for the whole of a schema. */
    static final Set<String> WHOLE = Set.of("$ref", "const", "enum", "anyOf", "oneOf", "allOf");

    /** Keywords that say something, in the order of the schema; unknown ones are errors. */
    Set<String> assertions() {
        if (!node.isObject()) {
            throw error("", "a schema is an object, true or false", "correct the schema");
        }
        Set<String> found = new LinkedHashSet<>();
        for (Map.Entry<String, JsonNode> member : node.properties()) {
            String keyword = member.getKey();
            boolean annotation =
                    ANNOTATIONS.contains(keyword) || keyword.startsWith("x-") || (keyword.equals("$id") && isRoot());
            if (annotation) {
                continue;
            }
            if (!keyword.equals("type") && !WHOLE.contains(keyword) && !OF_TYPE.containsKey(keyword)) {
                throw error(keyword, "this keyword cannot be enforced", "leave it out, or check the value afterwards");
            }
            found.add(keyword);
        }
        return found;
    }

    private boolean isRoot() {
        return path.endsWith("#");
    }

    boolean has(String keyword) {
        return node.has(keyword);
    }

    SchemaView get(String keyword) {
        return new SchemaView(node.get(keyword), SchemaDocument.child(path, keyword));
    }

    @Nullable
    JsonNode value(String keyword) {
        return node.get(keyword);
    }

    /** The types that {@code type} names, or that the keywords are about; null if any type will do. */
    @Nullable
    EnumSet<JsonType> types() {
        JsonNode type = node.get("type");
        if (type != null) {
            EnumSet<JsonType> named = EnumSet.noneOf(JsonType.class);
            for (JsonNode name : type.isArray() ? type : List.of(type)) {
                JsonType known = name.isString() ? JsonType.byName(name.stringValue()) : null;
                if (known == null) {
                    throw error("type", "expected one of " + JsonType.names() + ", found " + name, "correct the type");
                }
                named.add(known);
            }
            if (named.isEmpty()) {
                throw error("type", "no type is named", "name one");
            }
            return named;
        }
        EnumSet<JsonType> implied = EnumSet.noneOf(JsonType.class);
        for (String keyword : assertions()) {
            if (OF_TYPE.containsKey(keyword)) {
                implied.addAll(OF_TYPE.get(keyword));
            }
        }
        return implied.isEmpty() ? null : implied;
    }

    /** Only these may stand beside each other. */
    void requireOnly(String... keywords) {
        for (String keyword : assertions()) {
            if (!Arrays.asList(keywords).contains(keyword)) {
                throw error(
                        keyword,
                        "it cannot be enforced beside " + keywords[0],
                        "write one schema that says both at once");
            }
        }
    }

    /** A count, 0 or more, or the fallback if there is none. */
    int count(String keyword, int fallback) {
        JsonNode value = node.get(keyword);
        if (value == null) {
            return fallback;
        }
        BigDecimal number = value.isNumber() ? number(keyword) : null;
        if (number == null || number.signum() < 0 || number.stripTrailingZeros().scale() > 0) {
            throw error(keyword, "expected an integer of 0 or more, found " + value, "correct it");
        }
        return number.min(BigDecimal.valueOf(Integer.MAX_VALUE)).intValueExact();
    }

    /** A number of moderate size, or null if there is none. */
    @Nullable
    BigDecimal number(String keyword) {
        JsonNode value = node.get(keyword);
        if (value == null) {
            return null;
        }
        if (!value.isNumber()) {
            throw error(keyword, "expected a number, found " + value, "correct it");
        }
        BigDecimal number = value.decimalValue();
        if (number.precision() > 100 || Math.abs((long) number.scale()) > 400) {
            throw error(keyword, "the number has too many digits", "use a shorter one");
        }
        return number;
    }

    @Nullable
    String text(String keyword) {
        JsonNode value = node.get(keyword);
        if (value == null) {
            return null;
        }
        if (!value.isString()) {
            throw error(keyword, "expected a string, found " + value, "correct it");
        }
        return value.stringValue();
    }

    UnsupportedSchemaException error(String keyword, String problem, String remedy) {
        return new UnsupportedSchemaException(keyword, path, problem, remedy);
    }
}
