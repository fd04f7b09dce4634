package dev.lte.core.schema;

import dev.lte.InvalidRequestException;
import dev.lte.core.token.VocabularyTokenizer;
import java.util.List;

/**
 * Turns JSON schemas into constraints for the texts that a model generates. One per tokenizer: it holds the vocabulary as a
 * trie. Thread-safe.
 *
 * <p>What is written: compact JSON in UTF-8, at most one space behind {@code :} and {@code ,}, nothing around the value; the
 * members of an object in the order of {@code properties}, then others. Values nest at most 64 deep and numbers have at most 18
 * digits before the point, so that every text ends. Where {@code additionalProperties} (or {@code items} behind
 * {@code prefixItems}) is absent, nothing beyond what is listed is written, although JSON Schema would allow it; an object that
 * lists nothing takes any members.
 *
 * <p>The texts continue a prompt: a tokenizer's artificial leading space must not be added or dropped by the reader.
 */
public final class ConstraintCompiler {
    private final ConstraintVocabulary vocabulary;

    public ConstraintCompiler(VocabularyTokenizer tokenizer) {
        vocabulary = new ConstraintVocabulary(tokenizer);
    }

    /**
     * Texts that satisfy a schema.
     *
     * @throws dev.lte.UnsupportedSchemaException if something in it cannot be enforced
     */
    public ConstraintGrammar jsonSchema(String schema) {
        Budget budget = new Budget();
        RuleSet rules = new RuleSet(budget);
        int root = new SchemaCompiler(rules, schema, "#").root();
        return grammar(rules, root, budget);
    }

    /** Any JSON object. */
    public ConstraintGrammar jsonObject() {
        return jsonSchema("{\"type\":\"object\"}");
    }

    /**
     * One or more of some values, each between its texts.
     *
     * @param repeated whether further ones may follow the first
     * @throws dev.lte.UnsupportedSchemaException if something in a schema cannot be enforced; its path begins with the number
     *     of the schema
     */
    public ConstraintGrammar oneOf(List<TaggedSchema> values, boolean repeated) {
        Budget budget = new Budget();
        RuleSet rules = new RuleSet(budget);
        int root = new TaggedRules(rules, vocabulary).oneOf(required(values), repeated);
        return grammar(rules, root, budget);
    }

    /**
     * Free text, in which special tokens may be, until a trigger is written; from there on one of some values. A trigger that has
     * special tokens is not allowed to be written in plain characters, which a reader could take for it.
     *
     * @param trigger a text that every {@link TaggedSchema#begin} begins with
     * @param repeated whether free text and further values may follow a value
     * @throws dev.lte.UnsupportedSchemaException if something in a schema cannot be enforced; its path begins with the number
     *     of the schema
     */
    public ConstraintGrammar textUntil(String trigger, List<TaggedSchema> values, boolean repeated) {
        Budget budget = new Budget();
        RuleSet rules = new RuleSet(budget);
        int root = new TaggedRules(rules, vocabulary).textUntil(trigger, required(values), repeated);
        return grammar(rules, root, budget);
    }

    private static List<TaggedSchema> required(List<TaggedSchema> values) {
        if (values.isEmpty()) {
            throw new InvalidRequestException("values", "at least one schema", "none");
        }
        return values;
    }

    private ConstraintGrammar grammar(RuleSet rules, int root, Budget budget) {
        return new ConstraintGrammar(new Grammar(rules.all(), root, vocabulary.available(), budget), vocabulary);
    }
}
