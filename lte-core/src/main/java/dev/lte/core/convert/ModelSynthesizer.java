package dev.lte.core.convert;

import dev.lte.InvalidRequestException;
import dev.lte.Progress;
import dev.lte.SyntheticModel;
import dev.lte.WeightType;
import dev.lte.backend.Activation;
import dev.lte.backend.DType;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec.Pairing;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Layer;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.arch.ModelConfig.Rope;
import dev.lte.core.arch.ModelConfig.Routing;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.TensorBody;
import dev.lte.core.format.gguf.GgufWriter;
import dev.lte.core.source.Family;
import dev.lte.core.source.GgufKeys;
import dev.lte.core.source.GgufNames;
import dev.lte.core.source.RopeFrequencies;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Writes Llama models with random weights as GGUF, for benchmarks: real shapes, any element type, routers that leave a wanted
 * share of experts off.
 *
 * <p>Scales: projections have deviation {@code 1 / sqrt(input features)}, so that what they give is of the order of 1. What
 * attention adds to the residual stream is scaled down, because it is nearly the same for neighbouring tokens and would make
 * their routing alike; the FFN's last projection is scaled up by what routers leave off. Embeddings are small beside what FFNs
 * add: where they are the head too, a large share of the last state would make a model repeat its input.
 *
 * <p>Routing: the FFN's input x is RMS-normed with weights of 1, so it has length {@code sqrt(D)} whatever the token. A router
 * row of random direction and length 1 then scores {@code N(0, 1)} before the sigmoid, independently of all other weights:
 * with the threshold at the normal distribution's quantile of the wanted sparsity s, each expert is off with probability s for
 * every token and layer. The number of experts that are on varies by token and layer as a binomial distribution does, and no
 * expert is preferred.
 */
public final class ModelSynthesizer {
    private static final float EPSILON = 1e-5f;
    private static final double EMBEDDING_DEVIATION = 0.1;
    private static final double ATTENTION_SHARE = 0.1;
    private static final double LLAMA3_FACTOR = 32;
    private static final int LLAMA3_CONTEXT = 8192;

    private ModelSynthesizer() {}

    /**
     * @param target replaced when the new file is complete
     * @param progress told of the bytes of tensors that are written
     * @throws InvalidRequestException for a shape that is not known
     */
    public static void synthesize(SyntheticModel description, Path target, Consumer<Progress> progress) {
        SyntheticShape shape = SyntheticShape.of(description.shape());
        if (description.layers() > 0) {
            shape = shape.withLayers(description.layers());
        }
        write(shape, description.type(), description.ffnSparsity(), description.seed(), target, progress);
    }

    static void write(
            SyntheticShape shape,
            WeightType type,
            double sparsity,
            long seed,
            Path target,
            Consumer<Progress> progress) {
        ModelConfig config = config(shape, sparsity);
        GgufRopeWriter ropes = new GgufRopeWriter(config, Family.LLAMA);
        Map<String, Object> metadata = new LinkedHashMap<>(
                GgufModelMetadata.of(config, shape.name() + " with random weights", type, ropes.metadata()));
        if (sparsity >= 0) {
            metadata.put(GgufKeys.LTE + "synthetic_sparsity", sparsity);
        }
        metadata.putAll(SyntheticVocabulary.of(shape.vocabulary()).toGguf());
        double active = Math.clamp(1 - sparsity, 1.0 / shape.experts(), 1);
        Tensors tensors = new Tensors(config, DType.valueOf(type.name()), active, seed);
        for (GgufRopeWriter.Divisors divisors : ropes.divisors()) {
            tensors.entries.add(divisors.entry());
        }
        tensors.addAll(shape.tied());
        GgufWriter.write(target, metadata, tensors.entries, progress);
    }

    private static ModelConfig config(SyntheticShape shape, double sparsity) {
        double[] angles = RopeFrequencies.plain(shape.theta(), shape.headSize());
        if (shape.stretched()) {
            angles = RopeFrequencies.llama3(angles, LLAMA3_FACTOR, 1, 4, LLAMA3_CONTEXT);
        }
        List<Double> frequencies = new ArrayList<>();
        for (double angle : angles) {
            frequencies.add(angle);
        }
        return new ModelConfig(
                "llama",
                shape.model(),
                shape.ffn(),
                shape.heads(),
                shape.keyValueHeads(),
                shape.headSize(),
                shape.vocabulary(),
                shape.context(),
                new NormSpec(NormSpec.Kind.RMS, EPSILON, 0),
                NormPlacement.BEFORE,
                Activation.SILU,
                true,
                1,
                0,
                List.of(new Rope(frequencies, 1, Pairing.ADJACENT)),
                (float) (1 / Math.sqrt(shape.headSize())),
                0,
                0,
                true,
                0,
                List.of(),
                Collections.nCopies(shape.layers(), new Layer(0, 0)),
                routing(sparsity));
    }

    private static @Nullable Routing routing(double sparsity) {
        return sparsity < 0 ? null : new Routing(SyntheticShape.EXPERT_SIZE, threshold(sparsity));
    }

    /** The score that a share {@code sparsity} of the sigmoids of standard normal numbers stays below. */
    static float threshold(double sparsity) {
        double quantile = NormalQuantile.of(Math.clamp(sparsity, 1e-9, 1 - 1e-9));
        return (float) (1 / (1 + Math.exp(-quantile)));
    }

    /** Collects the tensors in the order in which they are written. */
    private static final class Tensors {
        private final List<GgufWriter.Entry> entries = new ArrayList<>();
        private final ModelConfig config;
        private final DType dtype;
        private final double active;
        private final long seed;

        /** @param active share of experts that routers leave on */
        Tensors(ModelConfig config, DType dtype, double active, long seed) {
            this.config = config;
            this.dtype = dtype;
            this.active = active;
            this.seed = seed;
        }

        void addAll(boolean tied) {
            int model = config.model();
            int queries = config.heads() * config.headSize();
            int keys = config.keyValueHeads() * config.headSize();
            matrix(WeightRole.TOKEN_EMBEDDING, 0, config.vocabulary(), model, EMBEDDING_DEVIATION);
            ones(WeightRole.FINAL_NORM, 0);
            if (!tied) {
                matrix(WeightRole.HEAD, 0, config.vocabulary(), model);
            }
            for (int layer = 0; layer < config.layers().size(); layer++) {
                ones(WeightRole.ATTENTION_NORM, layer);
                matrix(WeightRole.QUERY, layer, queries, model);
                matrix(WeightRole.KEY, layer, keys, model);
                matrix(WeightRole.VALUE, layer, keys, model);
                matrix(WeightRole.ATTENTION_OUTPUT, layer, model, queries, ATTENTION_SHARE / Math.sqrt(queries));
                ones(WeightRole.FFN_NORM, layer);
                matrix(WeightRole.GATE, layer, config.ffn(), model);
                matrix(WeightRole.UP, layer, config.ffn(), model);
                matrix(WeightRole.DOWN, layer, model, config.ffn(), 1 / Math.sqrt(config.ffn() * active));
                if (config.routing() != null) {
                    router(layer);
                }
            }
        }

        private void matrix(WeightRole role, int layer, int rows, int columns) {
            matrix(role, layer, rows, columns, 1 / Math.sqrt(columns));
        }

        private void matrix(WeightRole role, int layer, int rows, int columns, double deviation) {
            List<Long> shape = List.of((long) rows, (long) columns);
            long bytes = dtype.byteSize((long) rows * columns);
            add(role, layer, dtype, shape, RandomBody.weights(dtype, bytes, deviation, seedOf(role, layer)));
        }

        private void router(int layer) {
            int experts = config.experts();
            List<Long> shape = List.of((long) experts, (long) config.model());
            long ownSeed = seedOf(WeightRole.ROUTER, layer);
            add(WeightRole.ROUTER, layer, DType.F32, shape, RandomBody.directions(experts, config.model(), ownSeed));
        }

        private void ones(WeightRole role, int layer) {
            add(role, layer, DType.F32, List.of((long) config.model()), RandomBody.ones(config.model()));
        }

        private void add(WeightRole role, int layer, DType type, List<Long> shape, TensorBody body) {
            entries.add(new GgufWriter.Entry(GgufNames.name(role, layer, NormPlacement.BEFORE), type, shape, body));
        }

        /** Of its own for every tensor, so that more layers leave the first ones as they are. */
        private long seedOf(WeightRole role, int layer) {
            return seed * 0x9E3779B97F4A7C15L + role.ordinal() * 1_000_003L + layer;
        }
    }
}
