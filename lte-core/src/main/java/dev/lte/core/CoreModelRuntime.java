package dev.lte.core;

import dev.lte.BackendReport;
import dev.lte.CacheType;
import dev.lte.Classifier;
import dev.lte.ConversionReport;
import dev.lte.EvaluationReport;
import dev.lte.EvaluationRequest;
import dev.lte.GroupingOptions;
import dev.lte.GroupingReport;
import dev.lte.InvalidRequestException;
import dev.lte.LoadOptions;
import dev.lte.Model;
import dev.lte.ModelFileInfo;
import dev.lte.ModelInfo;
import dev.lte.PostHocRouting;
import dev.lte.Progress;
import dev.lte.SparsifyOptions;
import dev.lte.SparsifyReport;
import dev.lte.SyntheticModel;
import dev.lte.Tokenizer;
import dev.lte.UnsupportedModelException;
import dev.lte.WeightType;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.WeightCache;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelFingerprint;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.baseline.Baseline;
import dev.lte.core.baseline.CoActivationSample;
import dev.lte.core.baseline.Sparsifier;
import dev.lte.core.convert.ModelConverter;
import dev.lte.core.convert.ModelSynthesizer;
import dev.lte.core.engine.EngineOptions;
import dev.lte.core.engine.LocalClassifier;
import dev.lte.core.engine.LocalModel;
import dev.lte.core.eval.EvaluatedModel;
import dev.lte.core.eval.Evaluation;
import dev.lte.core.layer.Transformer;
import dev.lte.core.layer.TransformerLoader;
import dev.lte.core.source.FileVersion;
import dev.lte.core.source.ModelInspector;
import dev.lte.core.source.ModelSources;
import dev.lte.core.token.VocabularyTokenizer;
import dev.lte.core.trainer.GroupedModels;
import dev.lte.core.trainer.TrainingFlux;
import dev.lte.spi.ModelRuntime;
import dev.lte.train.GroupingMethod;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;

/** The runtime behind the front door. */
public final class CoreModelRuntime implements ModelRuntime {
    private static final int DEFAULT_CONTEXT = 4096;

    /** A source on a backend, before it is known what for. */
    private record Opened(ModelSource source, Backend backend, LoadOptions options) {
        ModelConfig config() {
            return source.config();
        }

        /** Whether the kernels for routing run it. */
        boolean isRouted() {
            ModelConfig.Routing routing = config().routing();
            return routing != null && routing.topK() == 0 && !options.dense();
        }

        /** Noisy top-k routers, or null. */
        ModelConfig.@Nullable Routing topK() {
            ModelConfig.Routing routing = config().routing();
            return routing == null || routing.topK() == 0 || options.dense() ? null : routing;
        }

        void requireServable() {
            if (topK() != null) {
                throw new UnsupportedModelException(
                        source.path() + " has noisy top-k routers, a baseline that is evaluated and not served",
                        "measure it with Lte.evaluate, or load it dense");
            }
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
            backend = BackendSelector.open(
                    options.backend(),
                    new BackendOptions(options.threads(), 0, weightCache(model, options.weightCache())));
            return assemble.apply(new Opened(source, backend, options));
        } catch (RuntimeException | Error e) {
            if (backend != null) {
                backend.close();
            }
            source.close();
            throw e;
        }
    }

    private static @Nullable WeightCache weightCache(Path model, @Nullable Path folder) {
        if (folder == null) {
            return null;
        }
        try {
            Files.createDirectories(folder);
            Path path = model.toRealPath();
            return new WeightCache(folder, path.toString(), FileVersion.of(path));
        } catch (IOException e) {
            throw new InvalidRequestException("weightCache", "a folder that exists or can be made", folder + ": " + e);
        }
    }

    private static Model generator(Opened opened) {
        if (opened.config().classes() > 0) {
            throw new UnsupportedModelException(
                    opened.source().path() + ": the model classifies texts and generates none",
                    "load it with Lte.loadClassifier, or load a model that generates");
        }
        opened.requireServable();
        int context = contextLength(opened.config(), opened.options());
        KernelQueue queue = opened.backend().openQueue();
        return generator(opened, queue, loaded(opened, queue, context), context);
    }

    private static TransformerLoader.Loaded loaded(Opened opened, KernelQueue queue, int context) {
        return TransformerLoader.load(
                opened.source(),
                opened.backend(),
                queue,
                context,
                opened.isRouted(),
                opened.options().progress());
    }

    private static LocalModel generator(
            Opened opened, KernelQueue queue, TransformerLoader.Loaded loaded, int context) {
        ModelConfig config = opened.config();
        LoadOptions options = opened.options();
        Backend backend = opened.backend();
        FoundTokenizer found = FoundTokenizer.of(opened.source());
        EngineOptions engine = new EngineOptions(
                opened.source().name(),
                context,
                Math.min(backend.device().promptRows(), context),
                options.maxStreams(),
                options.maxQueued(),
                options.stallTimeout(),
                cacheType(opened.source(), config, backend, options.cacheType()),
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
        opened.requireServable();
        int context = contextLength(config, opened.options());
        KernelQueue queue = opened.backend().openQueue();
        return classifier(opened, queue, loaded(opened, queue, context), context);
    }

    private static Classifier classifier(
            Opened opened, KernelQueue queue, TransformerLoader.Loaded loaded, int context) {
        FoundTokenizer found = FoundTokenizer.of(opened.source());
        return new LocalClassifier(
                opened.info(loaded, context),
                found.tokenizer(),
                found.reason(),
                opened.backend(),
                queue,
                loaded.transformer(),
                opened.isRouted(),
                () -> {
                    queue.close();
                    opened.close();
                });
    }

    @Override
    public EvaluationReport evaluate(Path model, EvaluationRequest request, LoadOptions options) {
        return open(model, options, opened -> evaluate(opened, request));
    }

    private static EvaluationReport evaluate(Opened opened, EvaluationRequest request) {
        ModelConfig config = opened.config();
        int context = contextLength(config, opened.options());
        KernelQueue queue = opened.backend().openQueue();
        TransformerLoader.Loaded loaded = loaded(opened, queue, context);
        try (Baseline baseline = baseline(opened, request, loaded.transformer(), context)) {
            Transformer transformer = baseline == null ? loaded.transformer() : baseline.transformer();
            TransformerLoader.Loaded evaluated =
                    new TransformerLoader.Loaded(transformer, loaded.parameters(), loaded.weightBytes());
            if (config.classes() > 0) {
                try (Classifier classifier = classifier(opened, queue, evaluated, context)) {
                    return Evaluation.of(classifier, config, opened.isRouted(), baseline, request);
                }
            }
            VocabularyTokenizer tokenizer = opened.source().tokenizer();
            try (LocalModel model = generator(opened, queue, evaluated, context)) {
                return Evaluation.of(
                        new EvaluatedModel(
                                model,
                                opened.options().maxStreams(),
                                tokenizer,
                                opened.backend(),
                                transformer,
                                context,
                                opened.isRouted(),
                                baseline),
                        request);
            }
        }
    }

    @Override
    public SparsifyReport sparsify(Path source, Path target, SparsifyOptions how, LoadOptions options) {
        return open(source, options, opened -> sparsify(opened, target, how));
    }

    private static SparsifyReport sparsify(Opened opened, Path target, SparsifyOptions how) {
        requireText(opened);
        int context = contextLength(opened.config(), opened.options());
        try (KernelQueue queue = opened.backend().openQueue()) {
            Transformer transformer = loaded(opened, queue, context).transformer();
            queue.await();
            try (Sparsifier sparsifier = new Sparsifier(
                    opened.source(),
                    opened.backend(),
                    transformer,
                    context,
                    how,
                    opened.options().progress())) {
                return sparsifier.write(target);
            }
        } finally {
            opened.close();
        }
    }

    private static @Nullable Baseline baseline(
            Opened opened, EvaluationRequest request, Transformer transformer, int context) {
        PostHocRouting routing = request.routing();
        ModelConfig.Routing topK = opened.topK();
        if (routing == null) {
            return topK == null ? null : new Baseline(opened.source(), opened.backend(), transformer, context, topK);
        }
        if (opened.isRouted() || topK != null) {
            throw new InvalidRequestException("routing", "none, as the model has routers", routing.method());
        }
        return new Baseline(routing, opened.source(), opened.backend(), transformer, context, request.progress());
    }

    private static int contextLength(ModelConfig config, LoadOptions options) {
        int own = config.contextLength();
        if (options.contextLength() > own) {
            throw new InvalidRequestException(
                    "contextLength", "at most " + own + ", which the model was made for", options.contextLength());
        }
        return options.contextLength() > 0 ? options.contextLength() : Math.min(own, DEFAULT_CONTEXT);
    }

    private static DType cacheType(ModelSource source, ModelConfig config, Backend backend, CacheType asked) {
        DType dtype = switch (asked) {
            case AUTO ->
                source.get(WeightRole.UP, 0).dtype() == DType.F32 || !backend.supportsCache(DType.F16)
                        ? DType.F32
                        : DType.F16;
            default -> DType.valueOf(asked.name());
        };
        if (!backend.supportsCache(dtype)) {
            List<CacheType> supported = Arrays.stream(CacheType.values())
                    .filter(type -> type == CacheType.AUTO || backend.supportsCache(DType.valueOf(type.name())))
                    .toList();
            throw new InvalidRequestException(
                    "cacheType", "one of " + supported + ", which backend " + backend.name() + " supports", asked);
        }
        int columns = config.keyValueHeads() * config.headSize();
        if (columns % dtype.blockSize() != 0) {
            throw new InvalidRequestException(
                    "cacheType",
                    "F16 or F32, as this model's " + config.keyValueHeads() + " key/value heads of " + config.headSize()
                            + " are no whole blocks of " + dtype.blockSize(),
                    asked);
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

    @Override
    public GroupingReport group(Path source, Path target, GroupingOptions how, LoadOptions options) {
        if (how.method() == GroupingMethod.CO_ACTIVATION) {
            return open(source, options, opened -> group(opened, target, how));
        }
        try (ModelSource opened = ModelSources.open(source)) {
            return GroupedModels.write(opened, target, how, List::of, options.progress());
        }
    }

    private static GroupingReport group(Opened opened, Path target, GroupingOptions how) {
        requireText(opened);
        int context = contextLength(opened.config(), opened.options());
        Consumer<Progress> progress = opened.options().progress();
        try (KernelQueue queue = opened.backend().openQueue()) {
            Transformer transformer = loaded(opened, queue, context).transformer();
            queue.await();
            return GroupedModels.write(
                    opened.source(),
                    target,
                    how,
                    () -> CoActivationSample.of(
                            opened.source(),
                            opened.backend(),
                            transformer,
                            context,
                            how.calibration(),
                            how.seed(),
                            progress),
                    progress);
        } finally {
            opened.close();
        }
    }

    private static void requireText(Opened opened) {
        if (opened.config().classes() > 0) {
            throw new UnsupportedModelException(
                    opened.source().path() + ": a classifier has no text to be calibrated on",
                    "train its routers, or choose a model that generates");
        }
    }

    @Override
    public Flux<TrainingEvent> train(TrainingPlan plan, BooleanSupplier stopped) {
        return TrainingFlux.of(
                plan, () -> BackendSelector.open(plan.backend(), new BackendOptions(plan.threads(), 0)), stopped);
    }
}
