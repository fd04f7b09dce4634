package dev.lte.core.trainer;

import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.token.VocabularyTokenizer;
import dev.lte.core.train.Matrix;
import dev.lte.core.train.WeightValues;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Weights from training as a model that can be written.
 *
 * @param path of the model that it came from
 * @param name of the model
 * @param chatTemplate or null
 */
record TrainedSource(
        Path path,
        String name,
        ModelConfig config,
        VocabularyTokenizer tokenizer,
        @Nullable String chatTemplate,
        Map<String, Object> provenance,
        WeightValues weights)
        implements ModelSource {
    @Override
    public @Nullable WeightData find(WeightRole role, int layer) {
        Matrix weight = weights.find(role, layer);
        return weight == null ? null : weight.weight(role + " of layer " + layer);
    }

    @Override
    public void close() {
        // Weights are on the heap.
    }
}
