package dev.lte.core.source;

import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.TensorFile;
import dev.lte.core.token.VocabularyTokenizer;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A model in an open file. Thread-safe. */
final class FileModelSource implements ModelSource {
    /** What stands beside the weights. */
    record About(
            Path path,
            String name,
            Supplier<VocabularyTokenizer> tokenizer,
            Supplier<Optional<String>> chatTemplate,
            Map<String, Object> provenance) {}

    private final TensorFile file;
    private final Arena arena;
    private final ModelConfig config;
    private final WeightTable weights;
    private final About about;
    private @Nullable VocabularyTokenizer tokenizer;

    private FileModelSource(TensorFile file, Arena arena, ModelConfig config, WeightTable weights, About about) {
        this.file = file;
        this.arena = arena;
        this.config = config;
        this.weights = weights;
        this.about = about;
    }

    /**
     * Finds the weights of a model in its file, which the source owns from now on.
     *
     * @throws dev.lte.LteException if they are not what the configuration says; then the file is still the caller's
     */
    @SuppressWarnings("MustBeClosedChecker") // Closed with the source.
    static ModelSource open(TensorFile file, SourceModel model, TensorNames names, About about) {
        Arena arena = Arena.ofShared();
        try {
            WeightTable weights = new WeightReader(file, names, model.config(), model.needs(), arena).read();
            return new FileModelSource(file, arena, model.config(), weights, about);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    @Override
    public Path path() {
        return about.path();
    }

    @Override
    public String name() {
        return about.name();
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public synchronized VocabularyTokenizer tokenizer() {
        if (tokenizer == null) {
            tokenizer = about.tokenizer().get();
        }
        return tokenizer;
    }

    @Override
    public @Nullable String chatTemplate() {
        return about.chatTemplate().get().orElse(null);
    }

    @Override
    public Map<String, Object> provenance() {
        return about.provenance();
    }

    @Override
    public @Nullable WeightData find(WeightRole role, int layer) {
        return weights.find(role, layer);
    }

    @Override
    public synchronized void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
        file.close();
    }
}
