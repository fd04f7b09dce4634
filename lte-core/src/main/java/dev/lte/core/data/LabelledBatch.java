package dev.lte.core.data;

/**
 * Sequences for a classifier. Arrays must not be changed by readers.
 *
 * @param sequences B
 * @param tokens T, of every sequence, padding included
 * @param ids (B, T)
 * @param lengths (B), tokens of each sequence without padding
 * @param labels (B)
 */
public record LabelledBatch(int sequences, int tokens, int[] ids, int[] lengths, int[] labels) {}
