package dev.lte;

/**
 * What an engine is busy with, at one moment; for gauges.
 *
 * @param running streams that hold a place in the batch
 * @param waiting streams that wait for a place or for cache pages
 * @param cachePages pages of the key/value cache in all
 * @param freePages those that hold nothing
 * @param reusablePages those that hold prefixes of ended streams, given up when others need them
 * @param pageTokens tokens of one page
 */
public record ModelStatus(int running, int waiting, int cachePages, int freePages, int reusablePages, int pageTokens) {}
