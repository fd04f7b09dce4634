package dev.lte.core.engine;

import dev.lte.InvalidRequestException;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatMessage;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.ChatSession;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/** A conversation as a list of messages; keys and values lie in the cache of the model, where the same tokens find them. */
final class LocalSession implements ChatSession {
    private final LocalModel model;
    private final SessionStore store;
    private final long realm;

    private final Object lock = new Object();
    private final List<ChatMessage> messages;
    /** The subscription that answers, or null. */
    private @Nullable Object answering;

    private OptionalDouble threshold = OptionalDouble.empty();

    LocalSession(LocalModel model, SessionStore store, long realm, List<ChatMessage> messages) {
        this.model = model;
        this.store = store;
        this.realm = realm;
        this.messages = new ArrayList<>(messages);
    }

    @Override
    public List<ChatMessage> messages() {
        synchronized (lock) {
            return List.copyOf(messages);
        }
    }

    @Override
    public void append(ChatMessage message) {
        synchronized (lock) {
            requireIdle();
            messages.add(message);
        }
    }

    private void requireIdle() {
        if (answering != null) {
            throw new InvalidRequestException("session", "no change while it answers", "one that answers");
        }
    }

    @Override
    public Flux<ChatEvent> chat(Consumer<ChatRequest.Builder> options) {
        return Flux.defer(() -> {
            Object turn = new Object();
            ChatRequest.Builder builder = ChatRequest.builder();
            options.accept(builder);
            ChatRequest described = builder.build();
            List<ChatMessage> all;
            synchronized (lock) {
                requireIdle();
                answering = turn;
                all = new ArrayList<>(messages);
            }
            // The session is free before the subscriber hears of the end, so that it can go on at once.
            return Flux.defer(() -> {
                        all.addAll(described.messages());
                        ChatRequest request =
                                described.toBuilder().messages(all).build();
                        return model.chat(request, realm);
                    })
                    .doOnNext(event -> {
                        if (event instanceof ChatEvent.Completed completed) {
                            all.add(completed.message());
                            keep(turn, all, described.options().threshold());
                        }
                    })
                    .doOnTerminate(() -> giveUp(turn))
                    .doOnCancel(() -> giveUp(turn));
        });
    }

    private void keep(Object turn, List<ChatMessage> all, OptionalDouble usedThreshold) {
        synchronized (lock) {
            if (answering == turn) {
                messages.clear();
                messages.addAll(all);
                threshold = usedThreshold;
                answering = null;
            }
        }
    }

    private void giveUp(Object turn) {
        synchronized (lock) {
            if (answering == turn) {
                answering = null;
            }
        }
    }

    @Override
    public ChatSession fork() {
        return new LocalSession(model, store, realm, messages());
    }

    @Override
    public void rewind(int kept) {
        synchronized (lock) {
            requireIdle();
            if (kept < 0 || kept > messages.size()) {
                throw new InvalidRequestException("messages", "0 to " + messages.size(), kept);
            }
            messages.subList(kept, messages.size()).clear();
        }
    }

    @Override
    public void save(Path file) {
        List<ChatMessage> now;
        OptionalDouble used;
        synchronized (lock) {
            now = List.copyOf(messages);
            used = threshold;
        }
        store.save(file, now, model.threshold(used), realm);
    }
}
