package dev.lte;

/**
 * Tokens of one generation.
 *
 * @param promptTokens tokens of the prompt, special ones included
 * @param cachedTokens how many of those were found in the cache
 * @param generatedTokens tokens generated, without the end-of-text token that stopped it
 * @param reasoningTokens how many of those were reasoning
 */
public record Usage(int promptTokens, int cachedTokens, int generatedTokens, int reasoningTokens) {}
