package dev.lte.core.schema;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Compiles a JSON schema to rules, one for each schema that an object, an array or a reference names. What cannot be enforced
 * is a {@link dev.lte.UnsupportedSchemaException}. Rules are compiled one after another, so that a deep schema takes no deep
 * stack.
 */
final class SchemaCompiler {
    private record Pending(int rule, SchemaView schema) {}

    private final RuleSet rules;
    private final SchemaDocument document;
    private final Map<String, Integer> byPath = new HashMap<>();
    private final ArrayDeque<Pending> pending = new ArrayDeque<>();
    private final ObjectRules objects;
    private final ArrayRules arrays;
    private final ScalarRules scalars;
    private final Disjointness disjointness;

    /** @param rootPath what paths begin with in messages */
    SchemaCompiler(RuleSet rules, String schema, String rootPath) {
        this.rules = rules;
        rules.budget().at(rootPath);
        document = new SchemaDocument(schema, rootPath);
        objects = new ObjectRules(rules, this);
        arrays = new ArrayRules(rules, this);
        scalars = new ScalarRules(rules);
        disjointness = new Disjointness(document);
    }

    /** The rule of the whole schema. */
    int root() {
        int root = rule(new SchemaView(document.root(), document.rootPath()));
        while (!pending.isEmpty()) {
            Pending next = pending.pop();
            rules.budget().at(next.schema().path());
            Nfa nfa = new Nfa(rules.budget());
            int start = nfa.state();
            int accept = nfa.state();
            emit(next.schema(), null, nfa, start, accept);
            rules.define(next.rule(), Dfa.of(nfa, start, accept, rules.budget()));
        }
        return root;
    }

    /** The rule of a schema, which may be compiled later. */
    int rule(SchemaView schema) {
        Integer known = byPath.get(schema.path());
        if (known == null) {
            known = rules.reserve();
            byPath.put(schema.path(), known);
            pending.push(new Pending(known, schema));
        }
        return known;
    }

    /** @param outer the types that the schema around a branch allows, null for all */
    private void emit(SchemaView schema, @Nullable EnumSet<JsonType> outer, Nfa nfa, int from, int to) {
        if (schema.node().isBoolean()) {
            if (schema.node().booleanValue()) {
                emitTypes(schema, outer == null ? EnumSet.allOf(JsonType.class) : outer, nfa, from, to);
            }
            return;
        }
        Set<String> keywords = schema.assertions();
        if (keywords.contains("$ref")) {
            emitReference(schema, outer, nfa, from, to);
        } else if (keywords.contains("const")) {
            schema.requireOnly("const", "type");
            emitLiterals(schema, List.of(schema.node().get("const")), outer, nfa, from, to);
        } else if (keywords.contains("enum")) {
            schema.requireOnly("enum", "type");
            emitLiterals(schema, elements(schema, "enum"), outer, nfa, from, to);
        } else if (keywords.contains("anyOf") || keywords.contains("oneOf") || keywords.contains("allOf")) {
            emitBranches(schema, outer, nfa, from, to);
        } else {
            EnumSet<JsonType> types = types(schema, outer);
            emitTypes(schema, types == null ? EnumSet.allOf(JsonType.class) : types, nfa, from, to);
        }
    }

    private static @Nullable EnumSet<JsonType> types(SchemaView schema, @Nullable EnumSet<JsonType> outer) {
        EnumSet<JsonType> own = schema.types();
        return own == null ? outer : outer == null ? own : JsonType.both(own, outer);
    }

    private void emitReference(SchemaView schema, @Nullable EnumSet<JsonType> outer, Nfa nfa, int from, int to) {
        schema.requireOnly("$ref");
        if (outer != null) {
            throw schema.error(
                    "$ref", "it cannot be enforced beside type", "move the type to where the reference leads");
        }
        String reference = schema.text("$ref");
        SchemaDocument.Place place = document.resolve(reference == null ? "" : reference, schema.path());
        nfa.call(from, rule(new SchemaView(place.schema(), place.path())), to);
    }

    private void emitBranches(SchemaView schema, @Nullable EnumSet<JsonType> outer, Nfa nfa, int from, int to) {
        String keyword = schema.has("anyOf") ? "anyOf" : schema.has("oneOf") ? "oneOf" : "allOf";
        schema.requireOnly(keyword, "type");
        List<JsonNode> branches = elements(schema, keyword);
        if (keyword.equals("allOf") && branches.size() > 1) {
            throw schema.error("allOf", "several schemas at once cannot be enforced", "write one schema that says all");
        }
        if (keyword.equals("oneOf")) {
            disjointness.require(schema, branches);
        }
        EnumSet<JsonType> types = types(schema, outer);
        for (int i = 0; i < branches.size(); i++) {
            String path = SchemaDocument.child(schema.path(), keyword, Integer.toString(i));
            int begin = nfa.state();
            nfa.skip(from, begin);
            emit(new SchemaView(branches.get(i), path), types, nfa, begin, to);
        }
    }

    private static List<JsonNode> elements(SchemaView schema, String keyword) {
        JsonNode array = schema.node().get(keyword);
        if (!array.isArray() || array.isEmpty()) {
            throw schema.error(keyword, "expected an array with elements", "correct it");
        }
        return List.copyOf(array.values());
    }

    private void emitLiterals(
            SchemaView schema, List<JsonNode> values, @Nullable EnumSet<JsonType> outer, Nfa nfa, int from, int to) {
        EnumSet<JsonType> types = schema.has("type") ? types(schema, outer) : outer;
        for (JsonNode value : values) {
            if (types == null || types.stream().anyMatch(type -> type.includes(value))) {
                String text = value.isString() ? JsonText.quote(value.stringValue()) : value.toString();
                if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
                    throw schema.error(
                            schema.has("const") ? "const" : "enum",
                            "a value has half a surrogate pair",
                            "correct the value");
                }
                nfa.skip(nfa.literal(from, text), to);
            }
        }
    }

    private void emitTypes(SchemaView schema, EnumSet<JsonType> types, Nfa nfa, int from, int to) {
        // A number may be an integer: one automaton for both.
        boolean numbers = types.contains(JsonType.NUMBER);
        for (JsonType type : types) {
            switch (type) {
                case NULL -> nfa.skip(nfa.literal(from, "null"), to);
                case BOOLEAN -> {
                    nfa.skip(nfa.literal(from, "true"), to);
                    nfa.skip(nfa.literal(from, "false"), to);
                }
                case INTEGER -> {
                    if (!numbers) {
                        nfa.call(from, scalars.number(schema, true), to);
                    }
                }
                case NUMBER -> nfa.call(from, scalars.number(schema, false), to);
                case STRING -> nfa.call(nfa.literal(from, "\""), scalars.restOfString(schema), to);
                case ARRAY -> arrays.emit(schema, nfa, from, to);
                case OBJECT -> objects.emit(schema, nfa, from, to);
            }
        }
    }
}
