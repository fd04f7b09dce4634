package dev.lte.core.engine;

import com.google.common.base.Suppliers;
import dev.lte.ContextOverflowException;
import dev.lte.GenerationEvent;
import dev.lte.GenerationListener;
import dev.lte.GenerationOptions;
import dev.lte.GenerationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import dev.lte.Model;
import dev.lte.ModelInfo;
import dev.lte.ModelStatus;
import dev.lte.Tokenizer;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.Backend;
import dev.lte.backend.KernelQueue;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.ChatSession;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.cache.PrefixCache;
import dev.lte.core.conversation.PromptWriter;
import dev.lte.core.layer.Transformer;
import dev.lte.core.schema.TokenConstraint;
import dev.lte.core.sparse.SparsityMeter;
import dev.lte.core.token.StreamingDecoder;
import dev.lte.core.token.VocabularyTokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Operators;

/** A model with its engine: checks requests, encodes prompts, starts streams. */
public final class LocalModel implements Model {
    private final ModelInfo info;
    private final ModelConfig config;
    private final @Nullable VocabularyTokenizer tokenizer;
    private final String withoutTokenizer;
    private final boolean routed;
    private final @Nullable GenerationListener listener;
    private final TokenTexts texts;
    private final Constraints constraints;
    private final Supplier<@Nullable ChatPreparation> chat;
    private final SessionStore sessions;
    private final Engine engine;

    /**
     * @param info what was loaded; its context length is the engine's
     * @param tokenizer null if the model has none
     * @param withoutTokenizer why there is none, for those who ask for text
     * @param chatTemplate Jinja source, or null if there is none; read when somebody chats
     * @param listener hears of generations, or null
     * @param fingerprint of the model, asked for while it is open
     * @param release frees all that the model owns; called once
     */
    public LocalModel(
            ModelInfo info,
            @Nullable VocabularyTokenizer tokenizer,
            String withoutTokenizer,
            @Nullable String chatTemplate,
            Backend backend,
            KernelQueue queue,
            Transformer transformer,
            EngineOptions options,
            @Nullable GenerationListener listener,
            Supplier<byte[]> fingerprint,
            Runnable release) {
        this.info = info;
        this.config = transformer.config();
        this.tokenizer = tokenizer;
        this.withoutTokenizer = withoutTokenizer;
        this.routed = options.routed();
        this.listener = listener;
        this.texts = new TokenTexts(tokenizer, tokenizer == null ? config.vocabulary() : tokenizer.size());
        constraints = new Constraints(tokenizer);
        chat = Suppliers.memoize(() -> tokenizer == null || chatTemplate == null
                ? null
                : new ChatPreparation(
                        new PromptWriter(chatTemplate, tokenizer), tokenizer, constraints, info.contextLength()));
        this.engine = new Engine(backend, queue, transformer, options, release);
        sessions = new SessionStore(
                engine,
                options,
                config.layers().size(),
                config.keyValueHeads() * config.headSize(),
                Suppliers.memoize(fingerprint::get),
                messages -> requireChat().tokens(messages));
    }

    @Override
    public ModelInfo info() {
        return info;
    }

    @Override
    public Tokenizer tokenizer() {
        return requireTokenizer();
    }

    private VocabularyTokenizer requireTokenizer() {
        if (tokenizer == null) {
            throw new UnsupportedModelException(withoutTokenizer, "give token ids instead of text");
        }
        return tokenizer;
    }

    @Override
    public Flux<GenerationEvent> generate(GenerationRequest request) {
        return TokenFlux.of(this, "generate", request.options(), () -> prepare(request));
    }

    private Generation<GenerationEvent> prepare(GenerationRequest request) {
        float threshold = threshold(request.threshold());
        checkOptions(request.options());
        TokenConstraint constraint = constraints.of(request.options());
        int[] ids = ids(request);
        if ((long) ids.length + request.maxTokens() > info.contextLength()) {
            throw new ContextOverflowException(ids.length, request.maxTokens(), info.contextLength());
        }
        StreamingDecoder decoder = null;
        if (tokenizer != null) {
            boolean begins = true;
            for (int id : ids) {
                begins &= tokenizer.isSpecial(id);
            }
            decoder = new StreamingDecoder(tokenizer, begins, request.stopStrings());
        }
        return new Generation<>(
                ids,
                threshold,
                PrefixCache.COMMON,
                request.maxTokens(),
                List.of(),
                new TextEvents(decoder),
                constraint);
    }

    @Override
    public Flux<ChatEvent> chat(ChatRequest request) {
        return chat(request, PrefixCache.COMMON);
    }

    /** @param realm whose cache pages may be shared */
    Flux<ChatEvent> chat(ChatRequest request, long realm) {
        return TokenFlux.of(this, "chat", request.options(), () -> {
            float threshold = threshold(request.options().threshold());
            checkOptions(request.options());
            return requireChat().prepare(request, threshold, realm);
        });
    }

    private ChatPreparation requireChat() {
        ChatPreparation preparation = chat.get();
        if (preparation == null) {
            requireTokenizer();
            throw new UnsupportedModelException(
                    "the model " + info.name() + " has no chat template",
                    "use generate, or load it with a chatTemplate of its family");
        }
        return preparation;
    }

    @Override
    public ChatSession openSession() {
        requireChat();
        return new LocalSession(this, sessions, PrefixCache.COMMON, List.of());
    }

    @Override
    public ChatSession restoreSession(Path file) {
        requireChat();
        SessionStore.Restored restored = sessions.restore(file);
        return new LocalSession(this, sessions, restored.realm(), restored.messages());
    }

    /** Begins a generation; its prompt is encoded on a thread of its own, so that neither side waits for that. */
    <E> void start(
            CoreSubscriber<? super E> subscriber,
            String operation,
            GenerationOptions options,
            Generation.Preparation<E> preparation) {
        LteException refused = engine.reserve();
        if (refused != null) {
            Operators.error(subscriber, refused);
            return;
        }
        TokenStream<E> stream = new TokenStream<>(
                subscriber,
                options,
                engine,
                texts,
                newMeter(),
                StreamObserver.of(listener, operation, info, subscriber.currentContext()));
        try {
            subscriber.onSubscribe(stream);
        } catch (RuntimeException | Error e) {
            engine.abandon();
            throw e;
        }
        if (engine.enter(stream)) {
            Thread.ofVirtual().name("lte-prompt").start(() -> prepare(stream, preparation));
        }
    }

    private <E> void prepare(TokenStream<E> stream, Generation.Preparation<E> preparation) {
        try {
            stream.start(preparation.prepare());
        } catch (RuntimeException | Error e) {
            engine.giveUp(stream, e);
            return;
        }
        engine.submit(stream);
    }

    private SparsityMeter newMeter() {
        return new SparsityMeter(config.layers().size(), routed ? config.experts() : 0);
    }

    private void checkOptions(GenerationOptions options) {
        checkIds(
                "stopIds",
                options.stopIds().stream().mapToInt(Integer::intValue).toArray());
        checkIds(
                "logitBias",
                options.logitBias().keySet().stream()
                        .mapToInt(Integer::intValue)
                        .toArray());
    }

    private int[] ids(GenerationRequest request) {
        String text = request.prompt();
        if (text == null) {
            int[] ids = request.promptIds().stream().mapToInt(Integer::intValue).toArray();
            checkIds("promptIds", ids);
            return ids;
        }
        int[] ids = requireTokenizer().encode(text);
        if (ids.length == 0) {
            throw new InvalidRequestException("prompt", "a text of at least one token", "an empty one");
        }
        return ids;
    }

    private void checkIds(String option, int[] ids) {
        for (int id : ids) {
            if (id < 0 || id >= config.vocabulary()) {
                throw new InvalidRequestException(option, "ids of 0 to " + (config.vocabulary() - 1), id);
            }
        }
    }

    /** The threshold to run with: that of the request, or the model's own. */
    float threshold(OptionalDouble asked) {
        ModelConfig.Routing routing = config.routing();
        if (asked.isPresent() && !routed) {
            throw new InvalidRequestException(
                    "threshold",
                    "none, as " + (routing == null ? "the model has no routers" : "the model was loaded dense"),
                    asked.getAsDouble());
        }
        if (routing == null) {
            return 0;
        }
        return asked.isPresent() ? (float) asked.getAsDouble() : routing.threshold();
    }

    @Override
    public float[][] logits(int[] ids, @Nullable Double threshold) {
        if (ids.length == 0) {
            throw new InvalidRequestException("ids", "at least one id", "none");
        }
        if (threshold != null && !(threshold >= 0 && threshold <= 1)) {
            throw new InvalidRequestException("threshold", "0 to 1", threshold);
        }
        checkIds("ids", ids);
        if (ids.length > info.contextLength()) {
            throw new ContextOverflowException(ids.length, 0, info.contextLength());
        }
        float tau = threshold(threshold == null ? OptionalDouble.empty() : OptionalDouble.of(threshold));
        LteException refused = engine.reserve();
        if (refused != null) {
            throw refused;
        }
        LogitsJob job = new LogitsJob(ids, tau, newMeter());
        if (engine.enter(job)) {
            engine.submit(job);
        }
        try {
            return job.result().get();
        } catch (InterruptedException e) {
            job.result().cancel(false);
            engine.wake();
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while waiting for logits");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof LteException failure) {
                throw failure;
            }
            throw new IllegalStateException("computing logits failed", e.getCause());
        }
    }

    @Override
    public int activeStreams() {
        return engine.active();
    }

    @Override
    public ModelStatus status() {
        return engine.status();
    }

    @Override
    public void close() {
        engine.close();
    }
}
