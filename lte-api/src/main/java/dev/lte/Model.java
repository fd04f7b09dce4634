package dev.lte;

import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.ChatSession;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A loaded generative model. Thread-safe; made by {@link Lte#load}. Hold it as long as it is needed and close it: it owns the
 * weights and the memory of a backend. Every generation stands for itself; conversations that are kept are {@link #openSession
 * sessions}.
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
     * demand is parked; others may take its place until there is demand again, and the stall timeout of the {@link
     * LoadOptions} ends it with {@link CapacityException}. Operators that prefetch (such as {@code publishOn} with its default)
     * ask for many tokens at once: use {@code publishOn(scheduler, 1)} where the pace matters.
     *
     * <p><b>Cancellation:</b> stops the generation within one decode step or one prompt chunk and frees its cache pages.
     *
     * <p><b>Threading:</b> events are delivered on the model's own engine thread, never on the subscriber's. A subscriber
     * that blocks there holds up the other streams of this model.
     */
    Flux<GenerationEvent> generate(GenerationRequest request);

    /**
     * Answers a conversation, by the chat template of the model. Cold, demand, cancellation and threading are those of {@link
     * #generate}; a decode step runs only while there is demand, and may emit nothing where its text is held back.
     *
     * <p>Tokens of the conversation that a request before began with too are found in the cache and not computed again.
     */
    Flux<ChatEvent> chat(ChatRequest request);

    /** The whole answer of a {@link #chat}, when it is complete. */
    default Mono<ChatEvent.Completed> reply(ChatRequest request) {
        return chat(request).ofType(ChatEvent.Completed.class).single();
    }

    /** A conversation to be kept, empty. */
    ChatSession openSession();

    /**
     * A conversation that {@link ChatSession#save} wrote, with its cached keys and values. Blocks.
     *
     * @throws ModelFormatException if the file is damaged
     * @throws InvalidRequestException if another model, another context or another type of cache wrote it
     * @throws java.io.UncheckedIOException if it cannot be read
     */
    ChatSession restoreSession(Path file);

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

    /** What the engine is busy with. */
    ModelStatus status();

    /** Ends all streams with {@link ModelClosedException} and frees all memory. Idempotent, safe from any thread. */
    @Override
    void close();
}
