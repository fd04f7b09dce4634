package dev.lte.core.schema;

import dev.lte.InvalidRequestException;
import java.nio.charset.StandardCharsets;
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

    /** The automaton that finds the trigger, and what follows it; there is no way to where it is written in other bytes. */
    int textUntil(String trigger, List<TaggedSchema> values, boolean repeated) {
        byte[] bytes = vocabulary.spell(trigger);
        if (bytes.length == 0) {
            throw new InvalidRequestException("trigger", "a text", "none");
        }
        byte[] plain = trigger.getBytes(StandardCharsets.UTF_8);
        Matcher matcher = new Matcher(Arrays.equals(bytes, plain) ? List.of(bytes) : List.of(bytes, plain));
        Nfa nfa = new Nfa(rules.budget());
        int accept = nfa.state();
        int[] states = new int[matcher.states()];
        for (int i = 0; i < states.length; i++) {
            states[i] = nfa.state();
        }
        for (int i = 0; i < states.length; i++) {
            if (matcher.found(i) >= 0) {
                continue;
            }
            nfa.skip(states[i], accept);
            for (int value = 0; value <= ConstraintVocabulary.SPECIAL; value++) {
                int next = matcher.next(i, value);
                if (matcher.found(next) <= 0) {
                    nfa.bytes(states[i], value, value, states[next]);
                }
            }
        }
        alternatives(nfa, states[matcher.end(0)], bytes, values, repeated ? states[0] : accept);
        return rules.add(Dfa.of(nfa, states[0], accept, rules.budget()));
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
