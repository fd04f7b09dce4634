package dev.lte.core.train;

import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.token.VocabularyTokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A dense model with its neurons in the order of experts, with or without routers, as a model that can be written. What is reordered
 * is F32 and made when it is asked for, so that one weight at a time is in memory; other weights keep their bytes.
 */
public final class RegroupedSource implements ModelSource {
    private final ModelSource source;
    private final ModelConfig config;
    private final RoutedValues values;
    private final Map<String, Object> provenance;

    /**
     * @param source stays the caller's to close
     * @param groupings one a layer
     * @param routers (N, D), one a layer; none for a model that stays dense
     * @param threshold above which an expert runs
     */
    public RegroupedSource(
            ModelSource source,
            List<Grouping> groupings,
            List<Matrix> routers,
            float threshold,
            Map<String, Object> provenance) {
        this.source = source;
        this.provenance = Map.copyOf(provenance);
        config = routers.isEmpty()
                ? source.config()
                : source.config()
                        .withRouting(
                                new ModelConfig.Routing(groupings.getFirst().expertSize(), threshold));
        values = new RoutedValues(WeightValues.of(source), groupings, routers);
    }

    @Override
    public Path path() {
        return source.path();
    }

    @Override
    public String name() {
        return source.name();
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public VocabularyTokenizer tokenizer() {
        return source.tokenizer();
    }

    @Override
    public @Nullable String chatTemplate() {
        return source.chatTemplate();
    }

    @Override
    public Map<String, Object> provenance() {
        return provenance;
    }

    @Override
    public @Nullable WeightData find(WeightRole role, int layer) {
        return switch (role) {
            case GATE, UP, UP_BIAS, DOWN, ROUTER -> {
                Matrix weight = values.find(role, layer);
                yield weight == null ? null : weight.weight(role + " of layer " + layer);
            }
            default -> source.find(role, layer);
        };
    }

    @Override
    public void close() {
        // The source is the caller's.
    }
}
