package dev.lte.core.arch;

import dev.lte.ModelFormatException;
import dev.lte.backend.WeightData;
import dev.lte.core.token.VocabularyTokenizer;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An open model in whatever format: its configuration, its weights by role, its tokenizer. Every shape has been checked
 * against the configuration. Weights stay readable until {@link #close}.
 */
public interface ModelSource extends AutoCloseable {
    Path path();

    /** The model's own name, or the file's. */
    String name();

    ModelConfig config();

    /** @throws dev.lte.UnsupportedModelException if the model has no tokenizer, or one that LTE does not know */
    VocabularyTokenizer tokenizer();

    /** The Jinja template that turns messages into a prompt, or null. */
    default @Nullable String chatTemplate() {
        return null;
    }

    /**
     * What the model's file records of the training of its routing, by key without the prefix {@code lte.}; values are
     * strings and doubles.
     */
    default Map<String, Object> provenance() {
        return Map.of();
    }

    /** @param layer 0 for roles that exist once */
    @Nullable
    WeightData find(WeightRole role, int layer);

    /** @throws ModelFormatException if the model has no such weight */
    default WeightData get(WeightRole role, int layer) {
        WeightData weight = find(role, layer);
        if (weight == null) {
            throw new ModelFormatException(
                    path(),
                    role.perLayer() ? "layer " + layer : "model",
                    ModelFormatException.NO_OFFSET,
                    "a weight for " + role,
                    "none");
        }
        return weight;
    }

    @Override
    void close();
}
