package dev.lte;

import java.time.Duration;

/**
 * Times of one generation. Time during which the subscriber had no demand is not counted, except in {@code queued}.
 *
 * @param queued from subscription until work on the prompt could begin
 * @param timeToFirstToken from subscription until the first token was known
 * @param decode spent on the tokens after the first
 * @param tokensPerSecond tokens after the first, per second of {@code decode}; 0 if there was at most one
 */
public record Timings(Duration queued, Duration timeToFirstToken, Duration decode, double tokensPerSecond) {}
