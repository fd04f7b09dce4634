package dev.lte;

/** Why a generation ended. */
public enum FinishReason {
    /** The model produced an end-of-text token, a stop string or stop id was found, or the response format was complete. */
    STOP,
    /** The requested number of tokens was generated, or the context is full. */
    LENGTH,
    /** The model calls tools and waits for their results. */
    TOOL_CALLS
}
