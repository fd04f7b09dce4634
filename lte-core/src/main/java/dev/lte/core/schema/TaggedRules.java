package dev.lte.core.schema;

import dev.lte.InvalidRequestException;
import java.util.Arrays;
import java.util.List;

/** Rules for values between texts. */
final class TaggedRules {
    private final RuleSet rules;
    private final ConstraintVocabulary vocabulary;

    TaggedRules(RuleSet rules, ConstraintVocabulary vocabulary) {
        this.rules = rules;
        this.vocabulary = vocabulary;
    }

    int oneOf(List<TaggedSchema> values, boolean repeated) {
        Nfa nfa = new Nfa(rules.budget());
        int start = nfa.state();
        int accept = nfa.state();
        alternatives(nfa, start, new byte[0], values, accept);
        if (repeated) {
            nfa.skip(accept, start);
        }
        return rules.add(Dfa.of(nfa, start, accept, rules.budget()));
    }

    /** The Knuth-Morris-Pratt automaton of the trigger, and what follows it. */
    int textUntil(String trigger, List<TaggedSchema> values, boolean repeated) {
        byte[] bytes = vocabulary.spell(trigger);
        if (bytes.length == 0) {
            throw new InvalidRequestException("trigger", "a text", "none");
        }
        Nfa nfa = new Nfa(rules.budget());
        int accept = nfa.state();
        int[] matched = new int[bytes.length + 1];
        for (int i = 0; i <= bytes.length; i++) {
            matched[i] = nfa.state();
        }
        int[] fallback = new int[bytes.length + 1];
        fallback[0] = -1;
        for (int i = 1, k = -1; i <= bytes.length; i++) {
            while (k >= 0 && bytes[k] != bytes[i - 1]) {
                k = fallback[k];
            }
            fallback[i] = ++k;
        }
        for (int i = 0; i < bytes.length; i++) {
            nfa.skip(matched[i], accept);
            for (int value = 0; value <= ConstraintVocabulary.SPECIAL; value++) {
                int k = i;
                while (k >= 0 && (bytes[k] & 0xFF) != value) {
                    k = fallback[k];
                }
                nfa.bytes(matched[i], value, value, matched[k + 1]);
            }
        }
        alternatives(nfa, matched[bytes.length], bytes, values, repeated ? matched[0] : accept);
        return rules.add(Dfa.of(nfa, matched[0], accept, rules.budget()));
    }

    /** @param written the begin of every text that is there already */
    private void alternatives(Nfa nfa, int from, byte[] written, List<TaggedSchema> values, int to) {
        for (int i = 0; i < values.size(); i++) {
            TaggedSchema value = values.get(i);
            byte[] begin = vocabulary.spell(value.begin());
            boolean fits = begin.length >= written.length
                    && Arrays.equals(written, 0, written.length, begin, 0, written.length);
            if (!fits) {
                throw new InvalidRequestException("trigger", "the begin of every value's text", value.begin());
            }
            int behind = nfa.literal(from, Arrays.copyOfRange(begin, written.length, begin.length));
            int schema = new SchemaCompiler(rules, value.schema(), i + "#").root();
            int close = nfa.state();
            nfa.call(behind, schema, close);
            nfa.skip(nfa.literal(close, vocabulary.spell(value.end())), to);
        }
    }
}
