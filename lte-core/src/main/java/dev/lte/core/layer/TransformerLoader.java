package dev.lte.core.layer;

import static dev.lte.core.arch.WeightRole.*;

import dev.lte.Progress;
import dev.lte.backend.AttentionSpec;
import dev.lte.backend.Backend;
import dev.lte.backend.FfnSpec;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.NormSpec;
import dev.lte.backend.Tensor;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.sparse.LteFfn;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Puts a {@link Transformer} together from a model's configuration and weights. */
public final class TransformerLoader {
    private static final int DENSE_EXPERT = 32;

    private final ModelConfig config;
    private final Backend backend;
    private final KernelQueue queue;
    private final WeightLoader weights;
    private final int positions;
    private final boolean routed;

    /**
     * What was loaded.
     *
     * @param parameters number of weights
     * @param weightBytes their bytes as the backend was given them
     */
    public record Loaded(Transformer transformer, long parameters, long weightBytes) {}

    private TransformerLoader(
            ModelSource source,
            Backend backend,
            KernelQueue queue,
            int positions,
            boolean routed,
            Consumer<Progress> progress) {
        this.config = source.config();
        this.backend = backend;
        this.queue = queue;
        this.positions = positions;
        this.routed = routed;
        this.weights = new WeightLoader(source, backend, totalBytes(source), progress);
    }

    /**
     * @param queue for tables that are computed
     * @param positions that sequences may take
     * @param routed whether to bring the routers along
     */
    public static Loaded load(
            ModelSource source,
            Backend backend,
            KernelQueue queue,
            int positions,
            boolean routed,
            Consumer<Progress> progress) {
        TransformerLoader loader = new TransformerLoader(source, backend, queue, positions, routed, progress);
        Transformer transformer = loader.transformer();
        return new Loaded(transformer, loader.weights.parameters(), loader.weights.weightBytes());
    }

    private static long totalBytes(ModelSource source) {
        long total = 0;
        for (WeightRole role : WeightRole.values()) {
            int layers = role.perLayer() ? source.config().layers().size() : 1;
            for (int layer = 0; layer < layers; layer++) {
                var weight = source.find(role, layer);
                total += weight == null ? 0 : weight.bytes().byteSize();
            }
        }
        return total;
    }

    private Transformer transformer() {
        Tensor tokens = weights.matrix(TOKEN_EMBEDDING, 0);
        Embedding embedding = new Embedding(
                tokens,
                config.embeddingScale(),
                weights.matrixOrNull(POSITION_EMBEDDING, 0),
                weights.matrixOrNull(TOKEN_TYPE_EMBEDDING, 0),
                weights.normOrNull(EMBEDDING_NORM, EMBEDDING_NORM_BIAS, 0, config.norm()));
        List<RopeTable> ropes = new ArrayList<>();
        for (ModelConfig.Rope rope : config.ropes()) {
            ropes.add(RopeTable.of(backend, queue, rope, config.headSize(), positions));
        }
        List<Block> blocks = new ArrayList<>();
        for (int layer = 0; layer < config.layers().size(); layer++) {
            blocks.add(block(layer, ropes));
        }
        return config.classes() > 0
                ? new Transformer(config, embedding, blocks, null, classifier())
                : new Transformer(config, embedding, blocks, head(tokens), null);
    }

    private ClassifierHead classifier() {
        return new ClassifierHead(
                weights.linear(CLASSIFIER_DENSE, CLASSIFIER_DENSE_BIAS, 0),
                weights.linear(CLASSIFIER_OUTPUT, CLASSIFIER_OUTPUT_BIAS, 0));
    }

    private Head head(Tensor tokens) {
        Tensor output = weights.matrixOrNull(HEAD, 0);
        return new Head(
                weights.normOrNull(FINAL_NORM, FINAL_NORM_BIAS, 0, config.norm()),
                new Linear(output == null ? tokens : output, null),
                config.finalSoftcap());
    }

    private Block block(int layer, List<RopeTable> ropes) {
        NormSpec norm = config.norm();
        Norm attentionNorm = weights.normOrNull(ATTENTION_NORM, ATTENTION_NORM_BIAS, layer, norm);
        Norm ffnNorm = weights.normOrNull(FFN_NORM, FFN_NORM_BIAS, layer, norm);
        boolean follow = config.normPlacement() == NormPlacement.AFTER;
        return new Block(
                follow ? null : attentionNorm,
                attention(layer, ropes),
                follow ? attentionNorm : weights.normOrNull(POST_ATTENTION_NORM, null, layer, norm),
                follow ? null : ffnNorm,
                FeedForward.of(ffn(layer)),
                follow ? ffnNorm : weights.normOrNull(POST_FFN_NORM, null, layer, norm),
                follow);
    }

    private Attention attention(int layer, List<RopeTable> ropes) {
        ModelConfig.Layer shape = config.layers().get(layer);
        NormSpec headNorm = new NormSpec(
                NormSpec.Kind.RMS, config.norm().epsilon(), config.norm().weightOffset());
        AttentionSpec spec = new AttentionSpec(
                config.heads(),
                config.keyValueHeads(),
                config.headSize(),
                config.attentionScale(),
                config.causal(),
                shape.window(),
                config.attentionSoftcap());
        return new Attention(
                layer,
                weights.stacked(List.of(QUERY, KEY, VALUE), List.of(QUERY_BIAS, KEY_BIAS, VALUE_BIAS), layer),
                weights.normOrNull(QUERY_NORM, null, layer, headNorm),
                weights.normOrNull(KEY_NORM, null, layer, headNorm),
                shape.rope() < 0 ? null : ropes.get(shape.rope()),
                weights.linear(ATTENTION_OUTPUT, ATTENTION_OUTPUT_BIAS, layer),
                spec);
    }

    private LteFfn ffn(int layer) {
        FfnSpec spec = new FfnSpec(config.model(), config.ffn(), expertSize(), config.activation(), config.gated());
        return new LteFfn(weights.ffn(spec, layer), router(layer));
    }

    private @Nullable Tensor router(int layer) {
        return routed ? weights.matrix(ROUTER, layer) : null;
    }

    private int expertSize() {
        ModelConfig.Routing routing = config.routing();
        if (routing != null) {
            return routing.expertSize();
        }
        return config.ffn() % DENSE_EXPERT == 0 ? DENSE_EXPERT : config.ffn();
    }
}
