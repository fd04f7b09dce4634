package dev.lte.core.sample;

import dev.lte.BackendFailureException;
import dev.lte.Sampling;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the next token from logits: what is not allowed is taken out, biases are added, then the steps of {@link Sampling}
 * follow in their order. The random number of a token depends on the seed and on how many tokens were drawn before, on nothing
 * else. Not thread-safe; one per sequence.
 */
public final class Sampler {
    private static final int HISTORY = 64;

    private final Sampling sampling;
    private final Map<Integer, Float> bias;
    private final @Nullable LogProbabilities measured;
    private final TokenHistory history = new TokenHistory(HISTORY);
    private final TokenCounts generated = new TokenCounts();
    private final Candidates candidates = new Candidates();
    private long drawn;

    public Sampler(Sampling sampling) {
        this(sampling, Map.of(), -1);
    }

    /**
     * @param bias added to logits, by id
     * @param alternatives of how many tokens {@link #logProbabilities} tells beside the chosen one; negative for nothing
     */
    public Sampler(Sampling sampling, Map<Integer, Float> bias, int alternatives) {
        this.sampling = sampling;
        this.bias = bias;
        measured = alternatives < 0 ? null : new LogProbabilities(alternatives);
    }

    /** Whether the most likely token is always taken, no logit is changed before, and nobody asks how likely it was. */
    public boolean isPlainArgmax() {
        return sampling.temperature() == 0
                && sampling.repetitionPenalty() == 1
                && sampling.frequencyPenalty() == 0
                && sampling.presencePenalty() == 0
                && bias.isEmpty()
                && measured == null;
    }

    /** Tells of a token of the prompt. */
    public void acceptPrompt(int token) {
        history.add(token);
    }

    /** Tells of a token that was chosen, here or elsewhere. */
    public void accept(int token) {
        history.add(token);
        if (sampling.frequencyPenalty() != 0 || sampling.presencePenalty() != 0) {
            generated.add(token);
        }
    }

    /** {@code choose} of any token. */
    public int choose(float[] logits, int start, int size) {
        return choose(logits, start, size, null);
    }

    /**
     * The next token, not yet accepted. Logits from {@code start} to {@code start + size} may be changed.
     *
     * @param allowed bit {@code id & 63} of word {@code id >> 6} tells whether a token may be chosen; null for all
     * @throws BackendFailureException if a logit is not a number, or if no token may be chosen
     */
    public int choose(float[] logits, int start, int size, long @Nullable [] allowed) {
        requireNumbers(logits, start, size);
        if (measured != null) {
            measured.measure(logits, start, size);
        }
        if (allowed != null) {
            mask(logits, start, size, allowed);
        }
        if (!bias.isEmpty()) {
            bias.forEach((id, value) -> {
                if (id < size) {
                    logits[start + id] += value;
                }
            });
        }
        history.penalize(logits, start, size, sampling.repetitionPenalty());
        generated.penalize(logits, start, size, sampling.frequencyPenalty(), sampling.presencePenalty());
        int chosen = sampling.temperature() == 0 ? argmax(logits, start, size) : draw(logits, start, size);
        if (measured != null) {
            measured.choose(chosen);
        }
        return chosen;
    }

    private int draw(float[] logits, int start, int size) {
        candidates.fill(logits, start, size, sampling.temperature());
        if (sampling.topK() > 0) {
            candidates.keepMostLikely(sampling.topK());
        }
        if (sampling.typicalP() < 1) {
            candidates.keepTypical(sampling.typicalP());
        }
        if (sampling.topP() < 1) {
            candidates.keepMass(sampling.topP());
        }
        if (sampling.minP() > 0) {
            candidates.keepAbove(sampling.minP());
        }
        return candidates.draw(uniform(sampling.seed(), drawn++));
    }

    /** The last choice, then the most likely tokens in its place; empty if nobody asked. */
    public List<LogProbabilities.Scored> logProbabilities() {
        return measured == null ? List.of() : measured.result();
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

    private static void mask(float[] logits, int start, int size, long[] allowed) {
        boolean any = false;
        for (int i = 0; i < size; i++) {
            if ((allowed[i >> 6] >>> i & 1) == 0) {
                logits[start + i] = Float.NEGATIVE_INFINITY;
            } else {
                any |= logits[start + i] > Float.NEGATIVE_INFINITY;
            }
        }
        if (!any) {
            throw new BackendFailureException(
                    "no token of the vocabulary continues the text as the response format wants",
                    "use another response format, or a model whose vocabulary has a token for every byte",
                    null);
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
