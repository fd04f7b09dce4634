package dev.lte;

import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/**
 * A loaded generative model. Thread-safe; made by {@link Lte#load}. Hold it as long as it is needed and close it: it owns the
 * weights and the memory of a backend. Not a session: every generation stands for itself.
 */
public interface Model extends AutoCloseable {
    ModelInfo info();

    Tokenizer tokenizer();

    /**
     * Generates text.
     *
     * <p><b>Cold:</b> nothing happens before subscription, and every subscription is a generation of its own. Options that do
     * not fit the model, and a prompt that does not fit the context, end the stream with an {@link LteException} before any
     * work.
     *
     * <p><b>Backpressure:</b> a decode step runs only while there is demand for the event that it emits. A stream without
     * demand is parked and keeps its cache pages until the stall timeout of the {@link LoadOptions} ends it with
     * {@link CapacityException}. Operators that prefetch (such as {@code publishOn} with its default) ask for many tokens at
     * once: use {@code publishOn(scheduler, 1)} where the pace matters.
     *
     * <p><b>Cancellation:</b> stops the generation within one decode step or one prompt chunk and frees its cache pages.
     *
     * <p><b>Threading:</b> events are delivered on the model's own engine thread, never on the subscriber's. A subscriber
     * that blocks there holds up the other streams of this model.
     */
    Flux<GenerationEvent> generate(GenerationRequest request);

    /**
     * The logits of every position of a prompt, for evaluation. Blocks the caller, not the engine's other streams for longer
     * than a chunk at a time.
     *
     * @param ids at least one, at most the context length
     * @param threshold tau, or null for the model's own
     * @return {@code [ids.length][V]}
     * @throws LteException as {@link #generate} would end with
     */
    float[][] logits(int[] ids, @Nullable Double threshold);

    /** {@code logits(ids, null)}. */
    default float[][] logits(int... ids) {
        return logits(ids, null);
    }

    /** Streams that are running, parked or waiting. */
    int activeStreams();

    /** Ends all streams with {@link ModelClosedException} and frees all memory. Idempotent, safe from any thread. */
    @Override
    void close();
}
