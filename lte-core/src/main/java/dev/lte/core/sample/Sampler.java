package dev.lte.core.sample;

import dev.lte.BackendFailureException;
import dev.lte.Sampling;

/**
 * Chooses the next token from logits, by the steps of {@link Sampling} in their order. The random number of a token depends
 * on the seed and on how many tokens were drawn before, on nothing else. Not thread-safe; one per sequence.
 */
public final class Sampler {
    private static final int HISTORY = 64;

    private final Sampling sampling;
    private final TokenHistory history = new TokenHistory(HISTORY);
    private final Candidates candidates = new Candidates();
    private long drawn;

    public Sampler(Sampling sampling) {
        this.sampling = sampling;
    }

    /** Whether the most likely token is always taken and no logit is changed before. */
    public boolean isPlainArgmax() {
        return sampling.temperature() == 0 && sampling.repetitionPenalty() == 1;
    }

    /** Tells of a token of the context: a prompt token, or one that was chosen elsewhere. */
    public void accept(int token) {
        history.add(token);
    }

    /**
     * The next token, not yet accepted. Logits from {@code start} to {@code start + size} may be changed.
     *
     * @throws BackendFailureException if a logit is not a number
     */
    public int choose(float[] logits, int start, int size) {
        requireNumbers(logits, start, size);
        history.penalize(logits, start, size, sampling.repetitionPenalty());
        if (sampling.temperature() == 0) {
            return argmax(logits, start, size);
        }
        candidates.fill(logits, start, size, sampling.temperature());
        if (sampling.topK() > 0) {
            candidates.keepMostLikely(sampling.topK());
        }
        if (sampling.topP() < 1) {
            candidates.keepMass(sampling.topP());
        }
        if (sampling.minP() > 0) {
            candidates.keepAbove(sampling.minP());
        }
        return candidates.draw(uniform(sampling.seed(), drawn++));
    }

    private static void requireNumbers(float[] logits, int start, int size) {
        for (int i = start; i < start + size; i++) {
            if (Float.isNaN(logits[i])) {
                throw new BackendFailureException(
                        "the logit of token " + (i - start) + " is not a number",
                        "check the model file; weights of a type with more bits may help",
                        null);
            }
        }
    }

    /** The index of the largest logit, the lowest one on a tie. */
    static int argmax(float[] logits, int start, int size) {
        int best = 0;
        for (int i = 1; i < size; i++) {
            if (logits[start + i] > logits[start + best]) {
                best = i;
            }
        }
        return best;
    }

    /** SplitMix64 at a position of its sequence: the bits of draw i need no draw before it. */
    static double uniform(long seed, long index) {
        long z = mix(seed) + (index + 1) * 0x9E3779B97F4A7C15L;
        return (mix(z) >>> 11) * 0x1.0p-53;
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
