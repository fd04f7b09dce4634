package dev.lte.core.schema;

import tools.jackson.databind.JsonNode;

/** Arrays: listed items, then others, counted. */
final class ArrayRules {
    private static final int UNBOUNDED = -1;

    private final RuleSet rules;
    private final SchemaCompiler schemas;

    ArrayRules(RuleSet rules, SchemaCompiler schemas) {
        this.rules = rules;
        this.schemas = schemas;
    }

    void emit(SchemaView schema, Nfa nfa, int from, int to) {
        JsonNode listed = schema.value("prefixItems");
        if (listed != null && !listed.isArray()) {
            throw schema.error("prefixItems", "expected an array of schemas", "correct it");
        }
        if (schema.has("items") && schema.node().get("items").isArray()) {
            throw schema.error("items", "an array of schemas is of an old draft", "use prefixItems");
        }
        int prefix = listed == null ? 0 : listed.size();
        boolean more = schema.has("items")
                ? !(schema.node().get("items").isBoolean()
                        && !schema.node().get("items").booleanValue())
                : listed == null;
        int min = schema.count("minItems", 0);
        int max = schema.count("maxItems", UNBOUNDED);
        if (max != UNBOUNDED && max < min) {
            throw schema.error("maxItems", "it is less than minItems", "correct it");
        }
        if (!more) {
            max = max == UNBOUNDED ? prefix : Math.min(max, prefix);
        }
        if (min > Budget.MAX_ITEMS) {
            throw schema.error("minItems", "at most " + Budget.MAX_ITEMS + " can be enforced", "use a smaller one");
        }
        // More than this are valid but not written.
        max = Math.min(max, Budget.MAX_ITEMS);
        emit(schema, prefix, more, min, max, nfa, from, to);
    }

    private void emit(SchemaView schema, int prefix, boolean more, int min, int max, Nfa nfa, int from, int to) {
        int written = nfa.literal(from, "[");
        int counted = max == UNBOUNDED ? Math.max(prefix, min) : max;
        for (int i = 0; i <= counted; i++) {
            if (i >= min) {
                nfa.bytes(written, ']', ']', to);
            }
            if (i == counted) {
                break;
            }
            int item = next(nfa, written, i);
            written = nfa.state();
            nfa.call(item, item(schema, i, prefix), written);
        }
        if (max == UNBOUNDED && more) {
            int again = nfa.state();
            nfa.call(next(nfa, written, counted), item(schema, counted, prefix), again);
            int comma = nfa.state();
            rules.comma(nfa, again, comma);
            nfa.call(comma, item(schema, counted, prefix), again);
            nfa.bytes(again, ']', ']', to);
        }
    }

    private int next(Nfa nfa, int written, int count) {
        if (count == 0) {
            return written;
        }
        int item = nfa.state();
        rules.comma(nfa, written, item);
        return item;
    }

    private int item(SchemaView schema, int index, int prefix) {
        if (index < prefix) {
            String path = SchemaDocument.child(schema.path(), "prefixItems", Integer.toString(index));
            return schemas.rule(new SchemaView(schema.node().get("prefixItems").get(index), path));
        }
        return schema.has("items") ? schemas.rule(schema.get("items")) : rules.anyValue();
    }
}
