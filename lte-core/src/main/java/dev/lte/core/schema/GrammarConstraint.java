package dev.lte.core.schema;

/** A {@link TokenConstraint} that runs an automaton. */
final class GrammarConstraint implements TokenConstraint {
    private final PushdownAutomaton automaton;
    private final ConstraintMasks masks;
    private final ConstraintVocabulary vocabulary;
    private Configuration at;
    private boolean ended;

    GrammarConstraint(PushdownAutomaton automaton, ConstraintMasks masks, ConstraintVocabulary vocabulary) {
        this.automaton = automaton;
        this.masks = masks;
        this.vocabulary = vocabulary;
        at = automaton.start();
    }

    @Override
    public int maskLength() {
        return vocabulary.maskLength();
    }

    @Override
    public void writeMask(long[] mask) {
        masks.write(at, mask);
    }

    @Override
    public void accept(int tokenId) {
        if (ended || !vocabulary.isToken(tokenId)) {
            throw refused(tokenId);
        }
        if (vocabulary.isEnd(tokenId)) {
            if (!at.canEnd) {
                throw refused(tokenId);
            }
            ended = true;
            return;
        }
        byte[] bytes = vocabulary.bytes(tokenId);
        Configuration to = bytes.length == 0 ? Configuration.DEAD : at;
        for (int i = 0; i < bytes.length && to != Configuration.DEAD; i++) {
            to = automaton.step(to, bytes[i] & 0xFF);
        }
        if (!to.live) {
            throw refused(tokenId);
        }
        at = to;
    }

    private IllegalArgumentException refused(int tokenId) {
        return new IllegalArgumentException("token " + tokenId + " may not come next");
    }

    @Override
    public boolean canEnd() {
        return at.canEnd;
    }

    @Override
    public boolean isComplete() {
        return ended || (at.canEnd && at.stacks.isEmpty());
    }
}
