package dev.lte.core;

import dev.lte.BackendReport;
import dev.lte.CacheType;
import dev.lte.Classifier;
import dev.lte.ConversionReport;
import dev.lte.InvalidRequestException;
import dev.lte.LoadOptions;
import dev.lte.Model;
import dev.lte.ModelFileInfo;
import dev.lte.ModelInfo;
import dev.lte.Progress;
import dev.lte.SyntheticModel;
import dev.lte.Tokenizer;
import dev.lte.UnsupportedModelException;
import dev.lte.WeightType;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelFingerprint;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.convert.ModelConverter;
import dev.lte.core.convert.ModelSynthesizer;
import dev.lte.core.engine.EngineOptions;
import dev.lte.core.engine.LocalClassifier;
import dev.lte.core.engine.LocalModel;
import dev.lte.core.layer.TransformerLoader;
import dev.lte.core.source.ModelInspector;
import dev.lte.core.source.ModelSources;
import dev.lte.core.token.VocabularyTokenizer;
import dev.lte.spi.ModelRuntime;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The runtime behind the front door. */
public final class CoreModelRuntime implements ModelRuntime {
    private static final int DEFAULT_CONTEXT = 4096;

    /** A source on a backend, before it is known what for. */
    private record Opened(ModelSource source, Backend backend, LoadOptions options) {
        ModelConfig config() {
            return source.config();
        }

        boolean isRouted() {
            return config().routing() != null && !options.dense();
        }

        ModelInfo info(TransformerLoader.Loaded loaded, int contextLength) {
            ModelConfig.Routing routing = config().routing();
            return new ModelInfo(
                    source.name(),
                    config().architecture(),
                    config().layers().size(),
                    config().model(),
                    config().ffn(),
                    config().vocabulary(),
                    contextLength,
                    loaded.parameters(),
                    loaded.weightBytes(),
                    routing == null
                            ? null
                            : new ModelInfo.Routing(config().experts(), routing.expertSize(), routing.threshold()),
                    backend.name(),
                    backend.device().description());
        }

        void close() {
            backend.close();
            source.close();
        }
    }

    /**
     * A tokenizer, or why there is none: a model without one still runs on ids.
     *
     * @param reason empty if there is one
     */
    private record FoundTokenizer(@Nullable VocabularyTokenizer tokenizer, String reason) {
        static FoundTokenizer of(ModelSource source) {
            try {
                return new FoundTokenizer(source.tokenizer(), "");
            } catch (UnsupportedModelException e) {
                return new FoundTokenizer(null, String.valueOf(e.getMessage()));
            }
        }
    }

    @Override
    public Model load(Path model, LoadOptions options) {
        return open(model, options, CoreModelRuntime::generator);
    }

    @Override
    public Classifier loadClassifier(Path model, LoadOptions options) {
        return open(model, options, CoreModelRuntime::classifier);
    }

    private static <T> T open(Path model, LoadOptions options, Function<Opened, T> assemble) {
        ModelSource source = ModelSources.open(model);
        Backend backend = null;
        try {
            backend = BackendSelector.open(options.backend(), new BackendOptions(options.threads(), 0));
            return assemble.apply(new Opened(source, backend, options));
        } catch (RuntimeException | Error e) {
            if (backend != null) {
                backend.close();
            }
            source.close();
            throw e;
        }
    }

    private static Model generator(Opened opened) {
        ModelConfig config = opened.config();
        if (config.classes() > 0) {
            throw new UnsupportedModelException(
                    opened.source().path() + ": the model classifies texts and generates none",
                    "load it with Lte.loadClassifier, or load a model that generates");
        }
        LoadOptions options = opened.options();
        Backend backend = opened.backend();
        int context = contextLength(config, options);
        KernelQueue queue = backend.openQueue();
        TransformerLoader.Loaded loaded =
                TransformerLoader.load(opened.source(), backend, queue, context, opened.isRouted(), options.progress());
        FoundTokenizer found = FoundTokenizer.of(opened.source());
        EngineOptions engine = new EngineOptions(
                opened.source().name(),
                context,
                Math.min(backend.device().promptRows(), context),
                options.maxStreams(),
                options.maxQueued(),
                options.stallTimeout(),
                cacheType(opened.source(), backend, options.cacheType()),
                options.cacheBytes(),
                options.prefixCache(),
                opened.isRouted(),
                found.tokenizer() == null
                        ? config.vocabulary()
                        : Math.min(config.vocabulary(), found.tokenizer().size()));
        return new LocalModel(
                opened.info(loaded, context),
                found.tokenizer(),
                found.reason(),
                options.chatTemplate() != null
                        ? options.chatTemplate()
                        : opened.source().chatTemplate(),
                backend,
                queue,
                loaded.transformer(),
                engine,
                options.listener(),
                () -> ModelFingerprint.of(opened.source()),
                () -> {
                    queue.close();
                    opened.close();
                });
    }

    private static Classifier classifier(Opened opened) {
        ModelConfig config = opened.config();
        if (config.classes() == 0) {
            throw new UnsupportedModelException(
                    opened.source().path() + ": the model generates text and has no classes",
                    "load it with Lte.load, or load a model for sequence classification");
        }
        Backend backend = opened.backend();
        int context = contextLength(config, opened.options());
        KernelQueue queue = backend.openQueue();
        TransformerLoader.Loaded loaded = TransformerLoader.load(
                opened.source(),
                backend,
                queue,
                context,
                opened.isRouted(),
                opened.options().progress());
        FoundTokenizer found = FoundTokenizer.of(opened.source());
        return new LocalClassifier(
                opened.info(loaded, context),
                found.tokenizer(),
                found.reason(),
                backend,
                queue,
                loaded.transformer(),
                opened.isRouted(),
                () -> {
                    queue.close();
                    opened.close();
                });
    }

    private static int contextLength(ModelConfig config, LoadOptions options) {
        int own = config.contextLength();
        if (options.contextLength() > own) {
            throw new InvalidRequestException(
                    "contextLength", "at most " + own + ", which the model was made for", options.contextLength());
        }
        return options.contextLength() > 0 ? options.contextLength() : Math.min(own, DEFAULT_CONTEXT);
    }

    private static DType cacheType(ModelSource source, Backend backend, CacheType asked) {
        DType dtype = switch (asked) {
            case F32 -> DType.F32;
            case F16 -> DType.F16;
            case AUTO ->
                source.get(WeightRole.UP, 0).dtype() == DType.F32 || !backend.supportsCache(DType.F16)
                        ? DType.F32
                        : DType.F16;
        };
        if (!backend.supportsCache(dtype)) {
            throw new InvalidRequestException("cacheType", "one that backend " + backend.name() + " supports", asked);
        }
        return dtype;
    }

    @Override
    public List<BackendReport> backends() {
        return BackendSelector.reports();
    }

    @Override
    public ModelFileInfo inspect(Path model) {
        return ModelInspector.inspect(model);
    }

    @Override
    public ConversionReport convert(Path source, Path target, WeightType type, Consumer<Progress> progress) {
        try (ModelSource opened = ModelSources.open(source)) {
            return ModelConverter.convert(opened, target, type, progress);
        }
    }

    @Override
    public void synthesize(SyntheticModel description, Path target, Consumer<Progress> progress) {
        ModelSynthesizer.synthesize(description, target, progress);
    }

    @Override
    public Tokenizer tokenizer(Path model) {
        try (ModelSource source = ModelSources.open(model)) {
            return source.tokenizer();
        }
    }
}
