package dev.lte.core.engine;

import dev.lte.ContextOverflowException;
import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import dev.lte.Model;
import dev.lte.ModelInfo;
import dev.lte.Tokenizer;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.Backend;
import dev.lte.backend.KernelQueue;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.cache.PagePool;
import dev.lte.core.layer.Transformer;
import dev.lte.core.sparse.SparsityMeter;
import dev.lte.core.token.VocabularyTokenizer;
import java.util.OptionalDouble;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
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
    private final Engine engine;

    /**
     * @param info what was loaded; its context length is the engine's
     * @param tokenizer null if the model has none
     * @param withoutTokenizer why there is none, for those who ask for text
     * @param release frees all that the model owns; called once
     */
    public LocalModel(
            ModelInfo info,
            @Nullable VocabularyTokenizer tokenizer,
            String withoutTokenizer,
            Backend backend,
            KernelQueue queue,
            Transformer transformer,
            EngineOptions options,
            Runnable release) {
        this.info = info;
        this.config = transformer.config();
        this.tokenizer = tokenizer;
        this.withoutTokenizer = withoutTokenizer;
        this.routed = options.routed();
        this.engine = new Engine(backend, queue, transformer, options, release);
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
        return TokenFlux.of(this, request);
    }

    /** Begins a generation; its prompt is encoded on a thread of its own, so that neither side waits for that. */
    void start(CoreSubscriber<? super GenerationEvent> subscriber, GenerationRequest request) {
        LteException refused = engine.reserve();
        if (refused != null) {
            Operators.error(subscriber, refused);
            return;
        }
        TokenStream stream = new TokenStream(
                subscriber,
                request,
                engine,
                tokenizer,
                tokenizer == null ? config.vocabulary() : tokenizer.size(),
                new SparsityMeter(config.layers().size(), routed ? config.experts() : 0));
        try {
            subscriber.onSubscribe(stream);
        } catch (RuntimeException | Error e) {
            engine.abandon();
            throw e;
        }
        Thread.ofVirtual().name("lte-prompt").start(() -> prepare(stream));
    }

    private void prepare(TokenStream stream) {
        try {
            GenerationRequest request = stream.generationRequest();
            float threshold = threshold(request.threshold());
            int[] ids = ids(request);
            if ((long) ids.length + request.maxTokens() > info.contextLength()) {
                throw new ContextOverflowException(ids.length, request.maxTokens(), info.contextLength());
            }
            stream.start(ids, threshold);
        } catch (RuntimeException | Error e) {
            engine.abandon();
            stream.fail(e);
            return;
        }
        engine.submit(stream);
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
    private float threshold(OptionalDouble asked) {
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
        LogitsJob job = new LogitsJob(
                ids.clone(), tau, new SparsityMeter(config.layers().size(), routed ? config.experts() : 0));
        engine.submit(job);
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

    /** Which pages of the key/value cache are free; for observation. */
    PagePool pages() {
        return engine.pages();
    }

    @Override
    public void close() {
        engine.close();
    }
}
