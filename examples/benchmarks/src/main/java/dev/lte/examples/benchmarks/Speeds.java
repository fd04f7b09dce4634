package dev.lte.examples.benchmarks;

/**
 * What one run of an engine shows, in tokens a second.
 *
 * @param prompt tokens of the prompt over the time to the first new token
 * @param decode new tokens after the first
 */
record Speeds(double prompt, double decode) {}
