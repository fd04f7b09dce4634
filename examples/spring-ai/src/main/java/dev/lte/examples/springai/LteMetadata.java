package dev.lte.examples.springai;

/**
 * Keys of what answers have beyond the names of Spring AI. Those of a message are in {@code AssistantMessage.getMetadata()},
 * the others in {@code ChatGenerationMetadata} of the answer, or of the last part of a streamed one.
 */
public final class LteMetadata {
    /**
     * Of a message: the whole reasoning, a {@code String}. In a stream it is on the last part, so that aggregated messages have
     * it and it goes back to the model with the conversation.
     */
    public static final String REASONING = "reasoningContent";

    /** Of a message in a stream: more of the reasoning, a {@code String}. */
    public static final String REASONING_DELTA = "reasoningDelta";

    /** {@link dev.lte.Timings}: time to the first token, tokens per second. */
    public static final String TIMINGS = "timings";

    /** {@link dev.lte.SparsityReport}: the share of the FFN that was skipped. */
    public static final String SPARSITY = "sparsity";

    /** The seed that was used, a {@code Long}: with it the same request gives the same tokens. */
    public static final String SEED = "seed";

    /** The stop string that was found, a {@code String}; absent if none was. */
    public static final String STOP_STRING = "stopString";

    /**
     * If they were asked for: a list of {@link dev.lte.TokenLogProbability}, of all tokens, in streams of those since the part
     * before.
     */
    public static final String LOG_PROBABILITIES = "logProbabilities";

    private LteMetadata() {}
}
