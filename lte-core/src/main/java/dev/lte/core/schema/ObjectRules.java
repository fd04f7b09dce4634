package dev.lte.core.schema;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Objects: the members that a schema lists, in its order, then others. */
final class ObjectRules {
    /** What a name that the schema does not list may look like: any characters in their only spelling. */
    private static final Pattern ANY_NAME = new Pattern.Repeat(new Pattern.Characters(CodePoints.ALL), 0, Pattern.MANY);

    private record Member(String name, int value, boolean required) {}

    private final RuleSet rules;
    private final SchemaCompiler schemas;

    ObjectRules(RuleSet rules, SchemaCompiler schemas) {
        this.rules = rules;
        this.schemas = schemas;
    }

    void emit(SchemaView schema, Nfa nfa, int from, int to) {
        Set<String> required = required(schema);
        List<Member> members = new ArrayList<>();
        Set<String> listed = new LinkedHashSet<>();
        JsonNode properties = schema.value("properties");
        if (properties != null) {
            if (!properties.isObject()) {
                throw schema.error("properties", "expected an object of schemas", "correct it");
            }
            for (Map.Entry<String, JsonNode> property : properties.properties()) {
                String path = SchemaDocument.child(schema.path(), "properties", property.getKey());
                int value = schemas.rule(new SchemaView(property.getValue(), path));
                members.add(new Member(property.getKey(), value, required.contains(property.getKey())));
                listed.add(property.getKey());
            }
        }
        JsonNode additional = schema.value("additionalProperties");
        boolean refused = additional != null && additional.isBoolean() && !additional.booleanValue();
        for (String name : required) {
            if (!listed.contains(name)) {
                if (refused) {
                    throw schema.error("required", name + " is required but not allowed", "add it to properties");
                }
                members.add(new Member(name, other(schema), true));
                listed.add(name);
            }
        }
        boolean others = additional == null ? members.isEmpty() : !refused;
        if (members.isEmpty() && others) {
            rules.anyObject(nfa, from, other(schema), to);
        } else {
            emitMembers(members, others ? other(schema) : -1, listed, nfa, from, to);
        }
    }

    private static Set<String> required(SchemaView schema) {
        Set<String> names = new LinkedHashSet<>();
        JsonNode required = schema.value("required");
        if (required != null) {
            if (!required.isArray()) {
                throw schema.error("required", "expected an array of names", "correct it");
            }
            for (JsonNode name : required) {
                if (!name.isString()) {
                    throw schema.error("required", "expected an array of names", "correct it");
                }
                names.add(name.stringValue());
            }
        }
        return names;
    }

    /** The rule of members that are not listed. */
    private int other(SchemaView schema) {
        JsonNode additional = schema.value("additionalProperties");
        return additional == null || additional.isBoolean()
                ? rules.anyValue()
                : schemas.rule(schema.get("additionalProperties"));
    }

    /**
     * {@code first}: nothing is written yet; {@code rest}: something is, so a comma comes before the next name.
     *
     * @param other the rule of members that are not listed, or -1
     */
    private void emitMembers(List<Member> members, int other, Set<String> listed, Nfa nfa, int from, int to) {
        int first = nfa.literal(from, "{");
        int rest = nfa.state();
        for (Member member : members) {
            int key = nfa.state();
            nfa.skip(first, key);
            rules.comma(nfa, rest, key);
            int nextFirst = nfa.state();
            int nextRest = nfa.state();
            int value = rules.colon(nfa, nfa.literal(key, JsonText.quote(member.name())));
            nfa.call(value, member.value(), nextRest);
            if (!member.required()) {
                nfa.skip(first, nextFirst);
                nfa.skip(rest, nextRest);
            }
            first = nextFirst;
            rest = nextRest;
        }
        if (other >= 0) {
            int key = nfa.state();
            nfa.skip(first, key);
            rules.comma(nfa, rest, key);
            rules.member(nfa, key, unlistedName(listed), other, rest);
        }
        nfa.bytes(first, '}', '}', to);
        nfa.bytes(rest, '}', '}', to);
    }

    private int unlistedName(Set<String> listed) {
        Nfa names = new Nfa(rules.budget());
        int start = names.state();
        int accept = names.state();
        for (String name : listed) {
            names.skip(names.literal(start, JsonText.quote(name).substring(1)), accept);
        }
        Dfa any = ANY_NAME.compileRestOfString(rules.budget());
        return rules.add(any.minus(Dfa.of(names, start, accept, rules.budget()), rules.budget()));
    }
}
