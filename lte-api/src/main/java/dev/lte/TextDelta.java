package dev.lte;

import java.util.List;

/**
 * The outcome of one decode step.
 *
 * @param text text that became certain; empty while a token ends in the middle of a character. Never half a character
 * @param tokenIds the generated token, or empty if this delta only flushes text that was held back at the end
 * @param logProbabilities of {@code tokenIds} if they were asked for, else empty
 */
public record TextDelta(String text, List<Integer> tokenIds, List<TokenLogProbability> logProbabilities)
        implements GenerationEvent {
    public TextDelta {
        tokenIds = List.copyOf(tokenIds);
        logProbabilities = List.copyOf(logProbabilities);
    }
}
