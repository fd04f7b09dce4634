package dev.lte;

/** What a generation emits: any number of {@link TextDelta}, then one {@link Completed}. */
public sealed interface GenerationEvent permits TextDelta, Completed {}
