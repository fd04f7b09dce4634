package dev.lte.core.baseline;

import static dev.lte.core.arch.WeightRole.DOWN;
import static dev.lte.core.arch.WeightRole.GATE;
import static dev.lte.core.arch.WeightRole.ROUTER;
import static dev.lte.core.arch.WeightRole.UP;
import static dev.lte.core.arch.WeightRole.UP_BIAS;

import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.quant.BlockFormats;
import dev.lte.core.sparse.Grouping;
import dev.lte.core.sparse.NeuronOrder;
import dev.lte.core.token.VocabularyTokenizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A dense model with its neurons in the order of experts, and routers. Reordered weights are made when they are asked for, as F32,
 * so that one layer at a time is in memory.
 *
 * @param source stays the caller's to close
 * @param routers (N, D) of each layer
 */
record RegroupedSource(
        ModelSource source, List<Grouping> groupings, List<float[]> routers, Map<String, Object> provenance)
        implements ModelSource {
    /** A logit of 0. */
    private static final float THRESHOLD = 0.5f;

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
        return source.config()
                .withRouting(new ModelConfig.Routing(groupings.getFirst().expertSize(), THRESHOLD));
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
    public @Nullable WeightData find(WeightRole role, int layer) {
        if (role == ROUTER) {
            float[] router = routers.get(layer);
            int experts = groupings.get(layer).experts();
            return weight("router of layer " + layer, experts, router.length / experts, router);
        }
        WeightData weight = source.find(role, layer);
        if (weight == null || role != GATE && role != UP && role != UP_BIAS && role != DOWN) {
            return weight;
        }
        NeuronOrder order = new NeuronOrder(groupings.get(layer));
        float[] values = LayerWeights.values(weight);
        float[] ordered;
        if (role == DOWN) {
            ordered = order.columns(values, weight.rows());
        } else {
            ordered = role == UP_BIAS ? order.vector(values) : order.rows(values, weight.columns());
        }
        return weight(weight.name(), weight.rows(), weight.columns(), ordered);
    }

    private static WeightData weight(String name, int rows, int columns, float[] values) {
        MemorySegment bytes = Arena.ofAuto().allocate(DType.F32.byteSize(values.length), 64);
        BlockFormats.encode(DType.F32, values, 0, values.length, bytes, 0);
        return new WeightData(name, DType.F32, rows, columns, bytes);
    }

    @Override
    public void close() {}
}
