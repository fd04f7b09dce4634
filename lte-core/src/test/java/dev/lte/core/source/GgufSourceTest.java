package dev.lte.core.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.Activation;
import dev.lte.backend.DType;
import dev.lte.backend.RopeSpec.Pairing;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Layer;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.arch.ModelConfig.Routing;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.gguf.GgufMetadata;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** GGUF models whose metadata and tensors exist in memory only: D 64, F 128, H 4, K 2, V 100, two layers. */
class GgufSourceTest {
    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final FakeTensors tensors = new FakeTensors();

    private GgufSourceTest with(String key, Object value) {
        metadata.put(key, value);
        return this;
    }

    private ModelSource open() {
        return GgufSource.open(tensors, new GgufMetadata(Path.of("fake"), metadata));
    }

    private ModelConfig config() {
        return open().config();
    }

    private GgufSourceTest sizes(String architecture, String epsilon, int layers) {
        with("general.architecture", architecture);
        String prefix = architecture + ".";
        with(prefix + "block_count", (long) layers);
        with(prefix + "context_length", 512L);
        with(prefix + "embedding_length", 64L);
        with(prefix + "feed_forward_length", 128L);
        with(prefix + "attention.head_count", 4L);
        with(prefix + "attention.head_count_kv", 2L);
        with(prefix + epsilon, 1e-5);
        tensors.put("token_embd.weight", DType.F32, 100L, 64L);
        return this;
    }

    private void layer(int layer, boolean gate) {
        String prefix = "blk." + layer + ".";
        tensors.put(prefix + "attn_norm.weight", new float[64]);
        tensors.put(prefix + "attn_q.weight", DType.F16, 64L, 64L);
        tensors.put(prefix + "attn_k.weight", DType.F16, 32L, 64L);
        tensors.put(prefix + "attn_v.weight", DType.F16, 32L, 64L);
        tensors.put(prefix + "attn_output.weight", DType.Q8_0, 64L, 64L);
        tensors.put(prefix + "ffn_norm.weight", new float[64]);
        if (gate) {
            tensors.put(prefix + "ffn_gate.weight", DType.Q4_0, 128L, 64L);
        }
        tensors.put(prefix + "ffn_up.weight", DType.Q4_0, gate ? 128L : 256L, 64L);
        tensors.put(prefix + "ffn_down.weight", DType.Q4_0, 64L, 128L);
    }

    private GgufSourceTest llama(String architecture) {
        sizes(architecture, "attention.layer_norm_rms_epsilon", 2);
        tensors.put("output_norm.weight", new float[64]);
        layer(0, true);
        layer(1, true);
        return this;
    }

    @Test
    void llamaPairsAdjacentColumnsAndTiesItsHead() {
        ModelSource source = llama("llama").open();
        ModelConfig config = source.config();
        assertThat(config.ropes().getFirst().pairing()).isEqualTo(Pairing.ADJACENT);
        assertThat(config.vocabulary()).isEqualTo(100);
        assertThat(config.layers()).containsOnly(new Layer(0, 0)).hasSize(2);
        assertThat(source.find(WeightRole.HEAD, 0)).isNull();
        assertThat(source.find(WeightRole.QUERY_BIAS, 0)).isNull();
        assertThat(source.get(WeightRole.GATE, 1).dtype()).isEqualTo(DType.Q4_0);
        assertThat(source.name()).isEqualTo("fake");
        assertThatThrownBy(source::tokenizer).isInstanceOf(UnsupportedModelException.class);
        tensors.put("output.weight", DType.F16, 100L, 64L);
        assertThat(with("general.name", "A model")
                        .open()
                        .get(WeightRole.HEAD, 0)
                        .rows())
                .isEqualTo(100);
        assertThat(open().name()).isEqualTo("A model");
    }

    @Test
    void biasesStandInAllLayersOrInNone() {
        llama("llama");
        tensors.put("blk.0.attn_q.bias", new float[64]);
        assertThatThrownBy(this::open)
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("blk.1.attn_q.bias")
                .hasMessageContaining("as other layers have it");
        tensors.put("blk.1.attn_q.bias", new float[64]).remove("blk.0.attn_q.bias");
        assertThatThrownBy(this::open)
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("blk.0.attn_q.bias");
        tensors.put("blk.0.attn_q.bias", new float[64]);
        assertThat(open().find(WeightRole.QUERY_BIAS, 1)).isNotNull();
    }

    @Test
    void shapesAreCheckedAgainstTheMetadata() {
        llama("llama");
        tensors.put("blk.1.ffn_down.weight", DType.F16, 64L, 96L);
        assertThatThrownBy(this::open)
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("blk.1.ffn_down.weight at offset "
                        + tensors.info("blk.1.ffn_down.weight").offset()
                        + ": expected (64, 128) from the configuration, found (64, 96)");
    }

    @Test
    void queriesKeysAndValuesMayBeOneTensorAndGateAndUpAnother() {
        sizes("phi3", "attention.layer_norm_rms_epsilon", 1);
        tensors.put("output_norm.weight", new float[64]);
        layer(0, false);
        for (String each : List.of("q", "k", "v")) {
            tensors.remove("blk.0.attn_" + each + ".weight");
        }
        tensors.put("blk.0.attn_qkv.weight", DType.Q8_0, 128L, 64L);
        ModelSource source = open();
        assertThat(source.config().ropes().getFirst().pairing()).isEqualTo(Pairing.HALVES);
        assertThat(source.get(WeightRole.KEY, 0).rows()).isEqualTo(32);
        long rowBytes = DType.Q8_0.byteSize(64);
        long base = tensors.bytes(tensors.info("blk.0.attn_qkv.weight")).address();
        assertThat(source.get(WeightRole.VALUE, 0).bytes().address()).isEqualTo(base + 96 * rowBytes);
        assertThat(source.get(WeightRole.GATE, 0).rows()).isEqualTo(128);
        assertThat(source.get(WeightRole.UP, 0).bytes().address()
                        - source.get(WeightRole.GATE, 0).bytes().address())
                .isEqualTo(128 * DType.Q4_0.byteSize(64));
    }

    @Test
    void llama3DivisorsApply() {
        llama("llama").with("llama.rope.freq_base", 500_000.0);
        tensors.put("rope_freqs.weight", 1, 1, 2, 4, 8, 8, 8, 8);
        List<Double> frequencies = config().ropes().getFirst().inverseFrequencies();
        for (int i = 0; i < 8; i++) {
            double divisor = i < 2 ? 1 : i == 2 ? 2 : i == 3 ? 4 : 8;
            double expected = Math.pow(500_000, -2.0 * i / 16) / divisor;
            // A power and a division in double precision.
            assertThat(frequencies.get(i)).isCloseTo(expected, within(1e-14 * expected));
        }
        tensors.put("rope_freqs.weight", 1, 1, 2, 4, 8, 8, 8);
        assertThatThrownBy(this::open)
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("rope_freqs.weight");
        tensors.put("rope_freqs.weight", 1, 1, 2, 4, 8, 8, 8, 0);
        assertThatThrownBy(this::open).isInstanceOf(ModelFormatException.class);
    }

    @Test
    void linearAndYarnScalingComeFromTheMetadata() {
        llama("qwen2").with("qwen2.rope.scaling.type", "linear").with("qwen2.rope.scaling.factor", 4.0);
        for (int layer = 0; layer < 2; layer++) {
            tensors.put("blk." + layer + ".attn_q.bias", new float[64]);
            tensors.put("blk." + layer + ".attn_k.bias", new float[32]);
            tensors.put("blk." + layer + ".attn_v.bias", new float[32]);
        }
        assertThat(config().ropes().getFirst().inverseFrequencies().getFirst()).isEqualTo(0.25);
        with("qwen2.rope.scaling.type", "yarn").with("qwen2.rope.scaling.original_context_length", 128L);
        ModelConfig.Rope yarn = config().ropes().getFirst();
        assertThat(yarn.magnitude()).isCloseTo(1.138629436111989, within(1e-15));
        assertThat(yarn.inverseFrequencies().getFirst()).isEqualTo(1);
        assertThat(yarn.inverseFrequencies().getLast()).isCloseTo(Math.pow(10_000, -14.0 / 16) / 4, within(1e-15));
        with("qwen2.rope.scaling.type", "spiral");
        assertThatThrownBy(this::open)
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("qwen2.rope.scaling.type")
                .hasMessageContaining("spiral")
                .hasMessageContaining("yarn");
    }

    @Test
    void gemma3KnowsItsPatternAndBase() {
        sizes("gemma3", "attention.layer_norm_rms_epsilon", 7)
                .with("gemma3.attention.sliding_window", 32L)
                .with("gemma3.rope.freq_base", 1e6);
        tensors.put("output_norm.weight", new float[64]);
        for (int layer = 0; layer < 7; layer++) {
            layer(layer, true);
            for (String norm : List.of("post_attention_norm", "post_ffw_norm")) {
                tensors.put("blk." + layer + "." + norm + ".weight", new float[64]);
            }
            tensors.put("blk." + layer + ".attn_q_norm.weight", new float[16]);
            tensors.put("blk." + layer + ".attn_k_norm.weight", new float[16]);
        }
        ModelConfig config = config();
        assertThat(config.normPlacement()).isEqualTo(NormPlacement.AROUND);
        assertThat(config.norm().weightOffset()).as("converters add the 1").isZero();
        assertThat(config.embeddingScale()).isEqualTo(8);
        assertThat(config.activation()).isEqualTo(Activation.GELU_TANH);
        assertThat(config.ropes()).hasSize(2);
        assertThat(config.ropes().get(1).inverseFrequencies().get(1)).isCloseTo(Math.pow(1e4, -0.125), within(1e-15));
        assertThat(config.layers().get(4)).isEqualTo(new Layer(32, 1));
        assertThat(config.layers().get(5)).isEqualTo(new Layer(0, 0));
        boolean[] pattern = new boolean[7];
        pattern[5] = true;
        with("gemma3.attention.sliding_window_pattern", pattern);
        assertThat(config().layers().get(4)).isEqualTo(new Layer(0, 0));
        assertThat(config().layers().get(5)).isEqualTo(new Layer(32, 1));
        with("gemma3.attention.sliding_window_pattern", new boolean[3]);
        assertThatThrownBy(this::open).isInstanceOf(ModelFormatException.class).hasMessageContaining("3 flags");
    }

    private GgufSourceTest routed() {
        llama("llama")
                .with("lte.version", 1L)
                .with("lte.expert_size", 32L)
                .with("lte.threshold", 0.5)
                .with("lte.eta", 0.25)
                .with("lte.data", "tinystories")
                .with("lte.tokenizer.pipeline", "not about routing");
        tensors.put("blk.0.ffn_router.weight", DType.F32, 4L, 64L);
        tensors.put("blk.1.ffn_router.weight", DType.BF16, 4L, 64L);
        return this;
    }

    @Test
    void routingIsRead() {
        ModelSource source = routed().open();
        assertThat(source.config().routing()).isEqualTo(new Routing(32, 0.5f));
        assertThat(source.config().experts()).isEqualTo(4);
        assertThat(source.get(WeightRole.ROUTER, 1).rows()).isEqualTo(4);
        assertThat(source.provenance()).containsOnly(Map.entry("eta", 0.25), Map.entry("data", "tinystories"));
    }

    @ParameterizedTest
    @CsvSource({
        "lte.threshold, 0, lte.threshold",
        "lte.threshold, 1, lte.threshold",
        "lte.threshold, NaN, lte.threshold",
        "lte.expert_size, 24, lte.expert_size",
        "lte.expert_size, 0, lte.expert_size",
        "lte.expert_size, , lte.expert_size",
        "lte.threshold, , lte.threshold",
        "lte.version, , lte.version",
        "lte.version, 3, lte.version",
        "lte.expert_size, 64, blk.0.ffn_router.weight"
    })
    void wrongRoutingIsATypedError(String key, String value, String named) {
        routed();
        if (value == null) {
            metadata.remove(key);
        } else {
            with(key, key.equals("lte.threshold") ? (Object) Double.valueOf(value) : Long.valueOf(value));
        }
        assertThatThrownBy(this::open)
                .isInstanceOf(
                        value != null && value.equals("3")
                                ? UnsupportedModelException.class
                                : ModelFormatException.class)
                .hasMessageContaining(named);
    }

    @Test
    void partialRoutersAreATypedError() {
        routed();
        tensors.remove("blk.1.ffn_router.weight");
        assertThatThrownBy(this::open)
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("blk.1.ffn_router.weight: expected a tensor of shape (4, 64), found none");
        tensors.put("blk.1.ffn_router.weight", DType.Q8_0, 4L, 64L);
        assertThatThrownBy(this::open)
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("F32, F16 or BF16");
        metadata.keySet().removeIf(key -> key.startsWith("lte."));
        assertThatThrownBy(this::open)
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("blk.0.ffn_router.weight");
    }

    @ParameterizedTest
    @CsvSource({
        "general.architecture, mamba, llama",
        "llama.expert_count, 8, 0",
        "llama.logit_scale, 16, 0",
        "llama.attention.value_length, 8, 16",
        "llama.hidden_activation, quick_gelu, silu",
        "split.count, 3, gguf-split",
        "llama.attention.causal, false, true"
    })
    void whatIsNotSupportedIsNamedWithWhatIs(String key, String value, String known) {
        Object typed =
                value.matches("\\d+") ? (Object) Long.valueOf(value) : value.equals("false") ? (Object) false : value;
        llama("llama").with(key, typed);
        assertThatThrownBy(this::open)
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining(key.equals("split.count") ? "parts" : key)
                .hasMessageContaining(value.equals("3") ? "3 parts" : value)
                .hasMessageContaining(known);
    }

    @ParameterizedTest
    @CsvSource({
        "llama.block_count, 1000000",
        "llama.block_count, 0",
        "llama.embedding_length, 4294967296",
        "llama.attention.head_count, 0",
        "llama.attention.head_count, 3",
        "llama.attention.key_length, 70000",
        "llama.rope.dimension_count, 15",
        "llama.rope.dimension_count, 32",
        "llama.context_length, 0",
        "llama.attention.layer_norm_rms_epsilon, -1"
    })
    void absurdValuesAreErrorsThatNameTheKey(String key, String value) {
        llama("llama").with(key, key.endsWith("epsilon") ? (Object) Double.valueOf(value) : Long.valueOf(value));
        assertThatThrownBy(this::open).isInstanceOf(ModelFormatException.class).hasMessageContaining(key);
    }

    @Test
    void valuesPerLayerMustBeTheSameForAll() {
        llama("llama").with("llama.attention.head_count_kv", new long[] {2, 2});
        assertThat(config().keyValueHeads()).isEqualTo(2);
        with("llama.attention.head_count_kv", new long[] {2, 4});
        assertThatThrownBy(this::open)
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("llama.attention.head_count_kv");
    }

    @Test
    void encodersNeedAClassifier() {
        with("general.architecture", "bert");
        sizes("bert", "attention.layer_norm_epsilon", 1).with("bert.attention.head_count_kv", 4L);
        assertThatThrownBy(this::open)
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("cls.output.weight");
    }

    @Test
    void aWindowOfQwenCountsOnlyWithAPattern() {
        llama("qwen3").with("qwen3.attention.sliding_window", 16L);
        IntStream.range(0, 2).forEach(layer -> {
            tensors.put("blk." + layer + ".attn_q_norm.weight", new float[16]);
            tensors.put("blk." + layer + ".attn_k_norm.weight", new float[16]);
        });
        assertThat(config().layers()).isEqualTo(Collections.nCopies(2, new Layer(0, 0)));
        with("qwen3.attention.sliding_window_pattern", new boolean[] {false, true});
        assertThat(config().layers()).containsExactly(new Layer(0, 0), new Layer(16, 0));
    }
}
