package dev.lte.core.eval;

/**
 * Tokens whose likelihood is asked for.
 *
 * @param ids what the model is given, and, from the second on, what it shall predict; not to be changed
 * @param firstTarget index of the first token that counts, 1 or more; the length of ids where none does, as in encoders
 * @param characters (code points) that the counted tokens spell
 */
public record ScoredSequence(int[] ids, int firstTarget, long characters) {
    public ScoredSequence {
        if (firstTarget < 1 || firstTarget > ids.length) {
            throw new IllegalArgumentException("target " + firstTarget + " of " + ids.length + " tokens");
        }
    }

    int targets() {
        return ids.length - firstTarget;
    }
}
