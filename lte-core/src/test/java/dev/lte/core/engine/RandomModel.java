package dev.lte.core.engine;

import dev.lte.backend.Activation;
import dev.lte.backend.DType;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.token.TokenizerLoader;
import dev.lte.core.token.VocabularyTokenizer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** A model of two small layers with random weights and the vocabulary of stories260K, whose byte tokens make any text. */
public final class RandomModel implements ModelSource {
    static final int VOCABULARY = 512;
    static final int LAYERS = 2;
    static final int EXPERTS = 3;
    static final int CLASSES = 3;
    private static final int MODEL = 32;
    private static final int FFN = 96;
    private static final int HEADS = 4;
    private static final int HEAD_SIZE = 8;
    private static final int CONTEXT = 128;

    private final ModelConfig config;
    private final Map<WeightRole, WeightData[]> weights = new EnumMap<>(WeightRole.class);
    private boolean closed;

    private RandomModel(ModelConfig config) {
        this.config = config;
    }

    /** A decoder: RMS norms, rotation, SiLU with a gate. */
    static RandomModel decoder(long seed, boolean routed) {
        return decoder(seed, routed, 2);
    }

    static RandomModel decoder(long seed, boolean routed, int keyValueHeads) {
        RandomModel model = new RandomModel(new ModelConfig(
                "llama",
                MODEL,
                FFN,
                HEADS,
                keyValueHeads,
                HEAD_SIZE,
                VOCABULARY,
                CONTEXT,
                new NormSpec(NormSpec.Kind.RMS, 1e-5f, 0),
                ModelConfig.NormPlacement.BEFORE,
                Activation.SILU,
                true,
                1,
                0,
                List.of(new ModelConfig.Rope(List.of(1.0, 0.1, 0.01, 0.001), 1, RopeSpec.Pairing.HALVES)),
                (float) (1 / Math.sqrt(HEAD_SIZE)),
                0,
                0,
                true,
                0,
                List.of(),
                Collections.nCopies(LAYERS, new ModelConfig.Layer(0, 0)),
                routing(routed)));
        SplittableRandom random = new SplittableRandom(seed);
        model.addBlocks(random, keyValueHeads * HEAD_SIZE, routed);
        model.add(random, WeightRole.GATE, FFN, MODEL, 0.3);
        model.add(random, WeightRole.FINAL_NORM, 1, MODEL, 1);
        model.add(random, WeightRole.HEAD, VOCABULARY, MODEL, 0.3);
        return model;
    }

    /** A classifier of {@value #CLASSES} classes: layer norms behind, learned positions from 2 on, GELU. */
    public static RandomModel encoder(long seed, boolean routed) {
        RandomModel model = new RandomModel(new ModelConfig(
                "roberta",
                MODEL,
                FFN,
                HEADS,
                HEADS,
                HEAD_SIZE,
                VOCABULARY,
                CONTEXT,
                new NormSpec(NormSpec.Kind.LAYER, 1e-5f, 0),
                ModelConfig.NormPlacement.AFTER,
                Activation.GELU,
                false,
                1,
                2,
                List.of(),
                (float) (1 / Math.sqrt(HEAD_SIZE)),
                0,
                0,
                false,
                CLASSES,
                List.of("good", "bad", "ugly"),
                Collections.nCopies(LAYERS, new ModelConfig.Layer(0, -1)),
                routing(routed)));
        SplittableRandom random = new SplittableRandom(seed);
        model.addBlocks(random, HEADS * HEAD_SIZE, routed);
        model.add(random, WeightRole.POSITION_EMBEDDING, CONTEXT + 2, MODEL, 1);
        model.add(random, WeightRole.EMBEDDING_NORM, 1, MODEL, 1);
        model.add(random, WeightRole.CLASSIFIER_DENSE, MODEL, MODEL, 0.3);
        model.add(random, WeightRole.CLASSIFIER_OUTPUT, CLASSES, MODEL, 0.3);
        return model;
    }

    private static ModelConfig.@Nullable Routing routing(boolean routed) {
        return routed ? new ModelConfig.Routing(FFN / EXPERTS, 0.5f) : null;
    }

    private void addBlocks(SplittableRandom random, int keyColumns, boolean routed) {
        add(random, WeightRole.TOKEN_EMBEDDING, VOCABULARY, MODEL, 1);
        add(random, WeightRole.ATTENTION_NORM, 1, MODEL, 1);
        add(random, WeightRole.QUERY, HEADS * HEAD_SIZE, MODEL, 0.3);
        add(random, WeightRole.KEY, keyColumns, MODEL, 0.3);
        add(random, WeightRole.VALUE, keyColumns, MODEL, 0.3);
        add(random, WeightRole.ATTENTION_OUTPUT, MODEL, HEADS * HEAD_SIZE, 0.3);
        add(random, WeightRole.FFN_NORM, 1, MODEL, 1);
        add(random, WeightRole.UP, FFN, MODEL, 0.3);
        add(random, WeightRole.DOWN, MODEL, FFN, 0.3);
        if (routed) {
            add(random, WeightRole.ROUTER, EXPERTS, MODEL, 0.3);
        }
    }

    private void add(SplittableRandom random, WeightRole role, int rows, int columns, double scale) {
        WeightData[] layers = new WeightData[role.perLayer() ? LAYERS : 1];
        for (int layer = 0; layer < layers.length; layer++) {
            MemorySegment bytes = Arena.ofAuto().allocate(4L * rows * columns, 4);
            for (int i = 0; i < rows * columns; i++) {
                bytes.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (random.nextGaussian() * scale));
            }
            layers[layer] = new WeightData(role + "." + layer, DType.F32, rows, columns, bytes);
        }
        weights.put(role, layers);
    }

    static VocabularyTokenizer vocabulary() {
        try {
            return TokenizerLoader.fromLlama2c(
                    Path.of(RandomModel.class
                            .getResource("/dev/lte/core/stories260K/tok512.bin")
                            .toURI()),
                    VOCABULARY);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public Path path() {
        return Path.of("random");
    }

    @Override
    public String name() {
        return "random";
    }

    @Override
    public ModelConfig config() {
        return config;
    }

    @Override
    public VocabularyTokenizer tokenizer() {
        return vocabulary();
    }

    @Override
    public @Nullable WeightData find(WeightRole role, int layer) {
        WeightData[] found = weights.get(role);
        return found == null ? null : found[layer];
    }

    boolean isClosed() {
        return closed;
    }

    @Override
    public void close() {
        closed = true;
    }
}
