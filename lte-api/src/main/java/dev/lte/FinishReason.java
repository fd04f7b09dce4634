package dev.lte;

/** Why a generation ended. */
public enum FinishReason {
    /** The model produced an end-of-text token, or a stop string was found. */
    STOP,
    /** The requested number of tokens was generated. */
    LENGTH
}
