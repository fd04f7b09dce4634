package dev.lte.chat;

import dev.lte.LteException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import reactor.core.publisher.Flux;

/**
 * A conversation that is kept. It holds messages; what the model has computed for them lies in its cache, shared with every
 * other session and request that begins alike, and is computed again where the cache has given it up. So a session costs
 * little, needs no closing, and forks for free.
 *
 * <p>Thread-safe. One answer at a time: a second {@link #chat} while one runs ends with {@link dev.lte.InvalidRequestException}.
 */
public interface ChatSession {
    /** Oldest first; a copy. */
    List<ChatMessage> messages();

    /** Adds a message, such as a system message, a tool result or an answer from elsewhere. Nothing is computed. */
    void append(ChatMessage message);

    /**
     * Answers. When it has completed, and only then, the answer is part of {@link #messages}; a cancelled or failed one leaves
     * the session as it was.
     *
     * @param options tools, sampling and limits; messages added there are appended to the session with the answer
     */
    Flux<ChatEvent> chat(Consumer<ChatRequest.Builder> options);

    /** {@code chat} of one more user message. */
    default Flux<ChatEvent> chat(String userText) {
        return chat(c -> c.user(userText));
    }

    /** A session of its own that begins with the same messages. */
    ChatSession fork();

    /**
     * Forgets all but the first messages.
     *
     * @param messages how many are kept, 0 to their number
     */
    void rewind(int messages);

    /**
     * Writes messages and the cached keys and values of their tokens to a file, replacing it when all is written. Blocks.
     *
     * @throws LteException if the model is closed
     * @throws java.io.UncheckedIOException if it cannot be written
     */
    void save(Path file);
}
