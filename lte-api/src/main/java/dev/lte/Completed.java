package dev.lte;

/** The last event of a generation that ended by itself. */
public record Completed(FinishReason finishReason, Usage usage, Timings timings, SparsityReport sparsity)
        implements GenerationEvent {}
