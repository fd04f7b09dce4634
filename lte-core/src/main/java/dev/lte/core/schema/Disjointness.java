package dev.lte.core.schema;

import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Decides whether no value satisfies two schemas at once, where the schemas say so plainly: other types, other literals, or
 * objects with a required member of other literals. {@code oneOf} is enforced for such schemas only.
 */
final class Disjointness {
    private static final int MAX_REFERENCES = 16;
    private static final int MAX_BRANCHES = 256;

    private final SchemaDocument document;

    Disjointness(SchemaDocument document) {
        this.document = document;
    }

    void require(SchemaView schema, List<JsonNode> branches) {
        if (branches.size() > MAX_BRANCHES) {
            throw schema.error("oneOf", "at most " + MAX_BRANCHES + " schemas can be enforced", "use anyOf");
        }
        for (int i = 0; i < branches.size(); i++) {
            for (int j = 0; j < i; j++) {
                if (!disjoint(branches.get(i), branches.get(j), schema.path())) {
                    throw schema.error(
                            "oneOf",
                            "the schemas " + j + " and " + i + " may both be satisfied at once",
                            "use anyOf, or give each a required property with a const of its own");
                }
            }
        }
    }

    private boolean disjoint(JsonNode first, JsonNode second, String path) {
        JsonNode a = follow(first, path);
        JsonNode b = follow(second, path);
        Set<JsonNode> literalsA = literals(a);
        Set<JsonNode> literalsB = literals(b);
        if (literalsA != null && literalsB != null) {
            return literalsA.stream().noneMatch(x -> literalsB.stream().anyMatch(y -> same(x, y)));
        }
        EnumSet<JsonType> typesA = types(a, literalsA, path);
        EnumSet<JsonType> typesB = types(b, literalsB, path);
        if (typesA == null || typesB == null) {
            return false;
        }
        EnumSet<JsonType> common = JsonType.both(typesA, typesB);
        return common.isEmpty() || (common.equals(EnumSet.of(JsonType.OBJECT)) && toldApart(a, b, path));
    }

    /** Numbers by value, and texts within structures cautiously: whatever has one could be equal. */
    private static boolean same(JsonNode a, JsonNode b) {
        if (a.isNumber() && b.isNumber()) {
            return a.decimalValue().compareTo(b.decimalValue()) == 0;
        }
        boolean structures = (a.isObject() && b.isObject()) || (a.isArray() && b.isArray());
        return structures || a.equals(b);
    }

    private JsonNode follow(JsonNode schema, String path) {
        JsonNode at = schema;
        for (int i = 0; i < MAX_REFERENCES && at.isObject() && at.get("$ref") instanceof JsonNode reference; i++) {
            if (!reference.isString()) {
                return at;
            }
            at = document.resolve(reference.stringValue(), path).schema();
        }
        return at;
    }

    private static @Nullable Set<JsonNode> literals(JsonNode schema) {
        if (schema.isObject() && schema.get("const") instanceof JsonNode value) {
            return Set.of(value);
        }
        if (schema.isObject() && schema.get("enum") instanceof JsonNode values && values.isArray()) {
            return new HashSet<>(values.values());
        }
        return null;
    }

    /** The types of a schema's values, null if any. */
    private static @Nullable EnumSet<JsonType> types(JsonNode schema, @Nullable Set<JsonNode> literals, String path) {
        if (literals != null) {
            EnumSet<JsonType> types = EnumSet.noneOf(JsonType.class);
            for (JsonType type : JsonType.values()) {
                if (literals.stream().anyMatch(type::includes)) {
                    types.add(type);
                }
            }
            return types;
        }
        // Keywords alone do not exclude values of other types.
        return schema.isObject() && schema.has("type") ? new SchemaView(schema, path).types() : null;
    }

    private boolean toldApart(JsonNode a, JsonNode b, String path) {
        if (!(a.get("properties") instanceof JsonNode own) || !own.isObject()) {
            return false;
        }
        for (Map.Entry<String, JsonNode> property : own.properties()) {
            String name = property.getKey();
            if (requires(a, name) && requires(b, name) && b.path("properties").get(name) instanceof JsonNode other) {
                Set<JsonNode> mine = literals(follow(property.getValue(), path));
                Set<JsonNode> its = literals(follow(other, path));
                if (mine != null
                        && its != null
                        && mine.stream().noneMatch(x -> its.stream().anyMatch(y -> same(x, y)))) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean requires(JsonNode schema, String name) {
        for (JsonNode required : schema.path("required")) {
            if (required.isString() && required.stringValue().equals(name)) {
                return true;
            }
        }
        return false;
    }
}
