package dev.lte;

import java.util.List;

/**
 * The outcome of one decode step.
 *
 * @param text text that became certain; empty while a token ends in the middle of a character. Never half a character
 * @param tokenIds the generated token, or empty if this delta only flushes text that was held back at the end
 */
public record TextDelta(String text, List<Integer> tokenIds) implements GenerationEvent {
    public TextDelta {
        tokenIds = List.copyOf(tokenIds);
    }
}
