package dev.lte.core.schema;

/** What a text must be, compiled for one tokenizer. Thread-safe; compile once, use for any number of texts. */
public final class ConstraintGrammar {
    private final PushdownAutomaton automaton;
    private final ConstraintMasks masks;
    private final ConstraintVocabulary vocabulary;

    ConstraintGrammar(Grammar grammar, ConstraintVocabulary vocabulary) {
        this.vocabulary = vocabulary;
        automaton = new PushdownAutomaton(grammar);
        masks = new ConstraintMasks(automaton, vocabulary);
    }

    /** For one more text, from its begin. */
    public TokenConstraint newConstraint() {
        return new GrammarConstraint(automaton, masks, vocabulary);
    }
}
