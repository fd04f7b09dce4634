package dev.lte.core.engine;

import dev.lte.GenerationListener;
import dev.lte.ModelInfo;
import dev.lte.ModelStatus;
import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.core.arch.ModelFingerprint;
import dev.lte.core.layer.TransformerLoader;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A random decoder on a {@link CountingBackend}, with chunks of prompts of 8 rows. */
final class TestEngine implements AutoCloseable {
    static final int CONTEXT = 128;
    static final int PROMPT_ROWS = 8;
    static final String TEMPLATE =
            "{% for m in messages %}{{ bos_token }}{{ m.role[0] }}{{ m.content }}{{ eos_token }}{% endfor %}"
                    + "{% if add_generation_prompt %}{{ bos_token }}a{% endif %}";

    final RandomModel source;
    final CountingBackend counting = new CountingBackend();
    final LocalModel model;

    /** Streams, queue, stall timeout and cache of an engine. */
    record Limits(int streams, int queued, Duration stall, long cacheBytes, boolean prefixCache, DType cacheType) {
        Limits(int streams, int queued, Duration stall, long cacheBytes, boolean prefixCache) {
            this(streams, queued, stall, cacheBytes, prefixCache, DType.F32);
        }

        Limits(int streams, int queued, Duration stall, long cacheBytes) {
            this(streams, queued, stall, cacheBytes, true);
        }

        static Limits defaults() {
            return of(DType.F32);
        }

        static Limits of(DType cacheType) {
            return new Limits(4, 8, Duration.ofMinutes(1), Long.MAX_VALUE, true, cacheType);
        }
    }

    TestEngine(long seed, boolean routed) {
        this(seed, routed, Limits.defaults());
    }

    TestEngine(long seed, boolean routed, Limits limits) {
        this(seed, routed, limits, null);
    }

    TestEngine(long seed, boolean routed, Limits limits, @Nullable GenerationListener listener) {
        this(seed, routed, limits, listener, TEMPLATE);
    }

    TestEngine(
            long seed,
            boolean routed,
            Limits limits,
            @Nullable GenerationListener listener,
            @Nullable String template) {
        // Blocks need rows of 32 elements.
        source = RandomModel.decoder(seed, routed, limits.cacheType().isQuantized() ? 4 : 2);
        Backend backend = counting.backend();
        KernelQueue queue = backend.openQueue();
        TransformerLoader.Loaded loaded =
                TransformerLoader.load(source, backend, queue, CONTEXT, routed, progress -> {});
        EngineOptions options = new EngineOptions(
                source.name(),
                CONTEXT,
                PROMPT_ROWS,
                limits.streams(),
                limits.queued(),
                limits.stall(),
                limits.cacheType(),
                limits.cacheBytes(),
                limits.prefixCache(),
                routed,
                RandomModel.VOCABULARY);
        ModelInfo info = new ModelInfo(
                source.name(),
                "llama",
                RandomModel.LAYERS,
                32,
                96,
                RandomModel.VOCABULARY,
                CONTEXT,
                0,
                0,
                null,
                "",
                "");
        model = new LocalModel(
                info,
                source.tokenizer(),
                "",
                template,
                backend,
                queue,
                loaded.transformer(),
                options,
                listener,
                () -> ModelFingerprint.of(source),
                () -> {
                    queue.close();
                    backend.close();
                    source.close();
                });
        counting.forget();
    }

    /** Pages that no stream holds. */
    int freePages() {
        ModelStatus status = model.status();
        return status.freePages() + status.reusablePages();
    }

    @Override
    public void close() {
        model.close();
    }
}
