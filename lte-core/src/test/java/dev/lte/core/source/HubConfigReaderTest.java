package dev.lte.core.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.Activation;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec.Pairing;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Layer;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.arch.ModelConfig.Routing;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.source.RoleNeeds.Need;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class HubConfigReaderTest {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final Path FILE = Path.of("config.json");

    static SourceModel read(String family, Consumer<ObjectNode> change) throws IOException {
        ObjectNode json = (ObjectNode) MAPPER.readTree(Fixtures.config(family));
        change.accept(json);
        return HubConfigReader.read(FILE, MAPPER.writeValueAsBytes(json));
    }

    private static ModelConfig config(String family, Consumer<ObjectNode> change) throws IOException {
        return read(family, change).config();
    }

    private static ModelConfig config(String family) throws IOException {
        return config(family, json -> {});
    }

    private static ObjectNode object(String json) {
        return (ObjectNode) MAPPER.readTree(json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void llamaIsThePlainDecoder() throws IOException {
        ModelConfig config = config("llama2");
        assertThat(config.architecture()).isEqualTo("llama");
        assertThat(List.of(config.model(), config.ffn(), config.heads(), config.keyValueHeads(), config.headSize()))
                .containsExactly(64, 192, 4, 4, 16);
        assertThat(config.vocabulary()).isEqualTo(512);
        assertThat(config.contextLength()).isEqualTo(256);
        assertThat(config.norm()).isEqualTo(new NormSpec(NormSpec.Kind.RMS, 1e-5f, 0));
        assertThat(config.normPlacement()).isEqualTo(NormPlacement.BEFORE);
        assertThat(config.activation()).isEqualTo(Activation.SILU);
        assertThat(config.gated()).isTrue();
        assertThat(config.embeddingScale()).isEqualTo(1);
        assertThat(config.attentionScale()).isEqualTo(0.25f);
        assertThat(config.layers()).containsOnly(new Layer(0, 0)).hasSize(3);
        assertThat(config.ropes()).hasSize(1);
        assertThat(config.ropes().getFirst().pairing()).isEqualTo(Pairing.HALVES);
        assertThat(config.ropes().getFirst().inverseFrequencies().get(1))
                .isCloseTo(Math.pow(10_000, -2 / 16.0), within(1e-15));
        assertThat(config.routing()).isNull();
        assertThat(read("llama2", json -> {}).tied()).isFalse();
        assertThat(read("llama3", json -> {}).tied()).isTrue();
    }

    @Test
    void gemma2AlternatesWindowsAndCapsScores() throws IOException {
        ModelConfig config = config("gemma2");
        assertThat(config.norm()).isEqualTo(new NormSpec(NormSpec.Kind.RMS, 1e-6f, 1));
        assertThat(config.normPlacement()).isEqualTo(NormPlacement.AROUND);
        assertThat(config.activation()).isEqualTo(Activation.GELU_TANH);
        assertThat(config.embeddingScale()).isEqualTo(8);
        assertThat(config.attentionSoftcap()).isEqualTo(50);
        assertThat(config.finalSoftcap()).isEqualTo(30);
        assertThat(config.layers()).containsExactly(new Layer(16, 0), new Layer(0, 0), new Layer(16, 0));
        assertThat(config("gemma2", json -> json.remove("layer_types")).layers())
                .isEqualTo(config.layers());
        assertThat(config("gemma2", json -> json.put("query_pre_attn_scalar", 64))
                        .attentionScale())
                .isEqualTo(0.125f);
        ModelConfig uncapped = config("gemma2", json -> json.putNull("attn_logit_softcapping"));
        assertThat(uncapped.attentionSoftcap()).isZero();
        ModelConfig unsaid = config("gemma2", json -> json.remove("attn_logit_softcapping"));
        assertThat(unsaid.attentionSoftcap()).as("transformers' own default").isEqualTo(50);
    }

    @Test
    void gemma3HasARotationOfItsOwnForSlidingLayersInEverySpelling() throws IOException {
        ModelConfig config = config("gemma3");
        assertThat(config.ropes()).hasSize(2);
        assertThat(config.ropes().get(0).inverseFrequencies().get(1)).isCloseTo(Math.pow(1e6, -0.125), within(1e-15));
        assertThat(config.ropes().get(1).inverseFrequencies().get(1)).isCloseTo(Math.pow(1e4, -0.125), within(1e-15));
        assertThat(config.layers()).containsOnly(new Layer(16, 1));
        ModelConfig old = config("gemma3", json -> {
            json.remove(List.of("rope_parameters", "layer_types", "_sliding_window_pattern"));
            json.put("rope_theta", 1e6).put("rope_local_base_freq", 1e4).put("sliding_window_pattern", 2);
            json.set("rope_scaling", object("{\"rope_type\":\"linear\",\"factor\":8.0}"));
        });
        assertThat(old.layers()).containsExactly(new Layer(16, 1), new Layer(0, 0), new Layer(16, 1));
        assertThat(old.ropes().get(0).inverseFrequencies().getFirst()).isEqualTo(1 / 8.0);
        assertThat(old.ropes().get(1)).isEqualTo(config.ropes().get(1));
        ModelConfig nested = HubConfigReader.read(
                        FILE,
                        MAPPER.writeValueAsBytes(MAPPER.createObjectNode()
                                .put("model_type", "gemma3")
                                .set("text_config", MAPPER.readTree(Fixtures.config("gemma3")))))
                .config();
        assertThat(nested).isEqualTo(config);
    }

    @Test
    void publishedGemma3ConfigurationsLeaveDefaultsOut() {
        String json = """
                {"model_type":"gemma3","text_config":{"hidden_size":2560,"intermediate_size":10240,
                "model_type":"gemma3_text","num_hidden_layers":34,
                "rope_scaling":{"factor":8.0,"rope_type":"linear"},"sliding_window":1024},
                "vision_config":{"hidden_size":1152}}""";
        SourceModel model = HubConfigReader.read(FILE, json.getBytes(StandardCharsets.UTF_8));
        ModelConfig config = model.config();
        assertThat(model.tied()).isTrue();
        assertThat(List.of(config.heads(), config.keyValueHeads(), config.headSize(), config.vocabulary()))
                .containsExactly(8, 4, 256, 262_208);
        assertThat(config.attentionScale()).isEqualTo(1 / 16f);
        assertThat(config.layers().get(5)).isEqualTo(new Layer(0, 0));
        assertThat(config.layers().get(4)).isEqualTo(new Layer(1024, 1));
    }

    @Test
    void qwenSlidesOnlyIfToldTo() throws IOException {
        assertThat(config("qwen2").layers()).containsOnly(new Layer(0, 0));
        Consumer<ObjectNode> sliding = json -> {
            json.remove("layer_types");
            json.put("use_sliding_window", true).put("sliding_window", 32).put("max_window_layers", 1);
        };
        assertThat(config("qwen2", sliding).layers())
                .containsExactly(new Layer(0, 0), new Layer(32, 0), new Layer(32, 0));
        assertThat(config("qwen3").headSize()).isEqualTo(24);
        SourceModel qwen2 = read("qwen2", json -> {});
        assertThat(qwen2.needs().of(WeightRole.QUERY_BIAS)).isEqualTo(Need.REQUIRED);
        assertThat(qwen2.needs().of(WeightRole.ATTENTION_OUTPUT_BIAS)).isEqualTo(Need.NONE);
        assertThat(read("qwen3", json -> {}).needs().of(WeightRole.KEY_NORM)).isEqualTo(Need.REQUIRED);
    }

    @Test
    void mistralSlidesInAllLayersUnlessTheWindowIsNull() throws IOException {
        assertThat(config("mistral").layers()).containsOnly(new Layer(16, 0));
        assertThat(config("mistral", json -> json.putNull("sliding_window")).layers())
                .containsOnly(new Layer(0, 0));
        assertThat(config("mistral", json -> json.remove("sliding_window")).layers())
                .containsOnly(new Layer(4096, 0));
    }

    @Test
    void phi3RotatesAPartAndStretchesWithinTheOriginalLength() throws IOException {
        ModelConfig half = config(
                "phi3",
                json -> json.set(
                        "rope_parameters",
                        object("{\"rope_type\":\"default\",\"rope_theta\":1e4,\"partial_rotary_factor\":0.5}")));
        assertThat(half.ropes().getFirst().inverseFrequencies()).hasSize(4);
        ModelConfig stretched = config("phi3", json -> {
            json.remove("rope_parameters");
            json.put("max_position_embeddings", 131_072).put("original_max_position_embeddings", 4096);
            json.put("rope_theta", 1e4);
            json.set("rope_scaling", object("""
                    {"type":"su","short_factor":[1,1.25,1.5,1.75,2,2.25,2.5,2.75],
                    "long_factor":[9,9,9,9,9,9,9,9]}"""));
        });
        // Computed with numpy from the formulas in transformers' modeling_rope_utils.
        assertRope(
                stretched,
                1.1902380714238083,
                1,
                0.25298221281347033,
                0.066666666666666666,
                0.018070158058105024,
                0.005,
                0.0014054567378526132,
                0.0004,
                0.00011499191491521379);
        assertThat(stretched.contextLength()).isEqualTo(4096);
    }

    private static void assertRope(ModelConfig config, double magnitude, double... expected) {
        ModelConfig.Rope rope = config.ropes().getFirst();
        assertThat(rope.magnitude()).isCloseTo(magnitude, within(1e-14));
        assertThat(rope.inverseFrequencies()).hasSize(expected.length);
        for (int i = 0; i < expected.length; i++) {
            // A few operations in double precision.
            assertThat(rope.inverseFrequencies().get(i)).isCloseTo(expected[i], within(1e-14 * expected[i]));
        }
    }

    @Test
    void stretchedRotationsAreThoseOfTransformers() throws IOException {
        assertRope(
                config("llama3"),
                1,
                1,
                0.0794030091792082,
                0.0047007538663579916,
                0.00091158309215213856,
                0.00017677669529663688,
                3.4281021959525912e-05,
                6.6478698711812362e-06,
                1.2891731721515574e-06);
        String yarn = "{\"rope_type\":\"yarn\",\"factor\":4.0,\"original_max_position_embeddings\":32768";
        Consumer<ObjectNode> withYarn = json -> {
            json.remove("rope_parameters");
            json.put("rope_theta", 1e6).set("rope_scaling", object(yarn + "}"));
        };
        double[] frequencies = {
            1,
            0.17782794100389229,
            0.031622776601683791,
            0.004217559938927618,
            0.0005,
            4.4456985250973067e-05,
            7.9056941504209488e-06,
            1.4058533129758728e-06
        };
        assertRope(config("llama2", withYarn), 1.138629436111989, frequencies);
        frequencies[3] = 0.0055172704751341225;
        frequencies[4] = 0.00060740793787983913;
        Consumer<ObjectNode> exact = json -> {
            withYarn.accept(json);
            json.set("rope_scaling", object(yarn + ",\"truncate\":false,\"attention_factor\":1.5}"));
        };
        assertRope(config("llama2", exact), 1.5, frequencies);
    }

    @Test
    void dynamicScalingHoldsWithinTheOriginalLength() throws IOException {
        ModelConfig config = config("llama2", json -> {
            json.remove("rope_parameters");
            json.set("rope_scaling", object("{\"type\":\"dynamic\",\"factor\":2.0}"));
        });
        assertThat(config.ropes()).isEqualTo(config("llama2").ropes());
        assertThat(config.contextLength()).isEqualTo(256);
    }

    @Test
    void learnedPositionsCountFromTheirOffset() throws IOException {
        ModelConfig opt = config("opt");
        assertThat(opt.positionOffset()).isEqualTo(2);
        assertThat(opt.contextLength()).isEqualTo(256);
        assertThat(opt.activation()).isEqualTo(Activation.RELU);
        assertThat(opt.layers()).containsOnly(new Layer(0, -1));
        assertThat(opt.ropes()).isEmpty();
        assertThat(config("opt", json -> json.put("do_layer_norm_before", false))
                        .normPlacement())
                .isEqualTo(NormPlacement.AFTER);
        ModelConfig roberta = config("roberta");
        assertThat(roberta.positionOffset()).isEqualTo(1);
        assertThat(roberta.contextLength()).isEqualTo(129);
        assertThat(roberta.causal()).isFalse();
        assertThat(roberta.classLabels()).containsExactly("LABEL_0", "LABEL_1", "LABEL_2");
        assertThat(roberta.activation()).isEqualTo(Activation.GELU);
        assertThat(roberta.normPlacement()).isEqualTo(NormPlacement.AFTER);
        ModelConfig gpt2 = config("gpt2");
        assertThat(gpt2.norm()).isEqualTo(new NormSpec(NormSpec.Kind.LAYER, 1e-5f, 0));
        assertThat(gpt2.activation()).isEqualTo(Activation.GELU_TANH);
        assertThat(gpt2.gated()).isFalse();
        assertThat(config("gpt2", json -> json.putNull("n_inner")).ffn()).isEqualTo(256);
        assertThat(config("gpt2", json -> json.put("scale_attn_weights", false)).attentionScale())
                .isEqualTo(1);
    }

    @Test
    void routingStandsBesideTheRest() throws IOException {
        ModelConfig config = config(
                "llama2",
                json -> json.set("lte", object("{\"version\":1,\"expert_size\":32,\"threshold\":0.5,\"eta\":0.4}")));
        assertThat(config.routing()).isEqualTo(new Routing(32, 0.5f));
        assertThat(config.experts()).isEqualTo(6);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                        llama2 | model_type | "mamba" | mamba | llama, mistral
            llama2 | hidden_act | "quick_gelu" | quick_gelu | silu
            llama2 | mlp_bias | true | true | false
            llama2 | quantization_config | {"quant_method":"gptq"} | gptq | F32
            llama2 | num_local_experts | 8 | 8 | mixtures
            llama2 | partial_rotary_factor | 0.5 | 0.5 | 1
            llama2 | rope_parameters | {"rope_type":"mrope"} | mrope | longrope
            llama2 | layer_types | ["sliding_attention","full_attention","full_attention"] | sliding_attention | full_attention
            qwen2 | layer_types | ["full_attention","linear_attention","full_attention"] | linear_attention | sliding_attention
            gemma3 | use_bidirectional_attention | true | true | false
            gpt2 | scale_attn_by_inverse_layer_idx | true | true | false
            gpt2 | add_cross_attention | true | true | false
            opt | word_embed_proj_dim | 32 | 32 | 64
            opt | layer_norm_elementwise_affine | false | false | true
            roberta | is_decoder | true | true | false
            roberta | position_embedding_type | "relative_key" | relative_key | absolute
            """)
    void whatIsNotSupportedIsNamedWithWhatIs(String family, String key, String value, String shown, String known) {
        assertThatThrownBy(() -> read(family, json -> json.set(key, MAPPER.readTree(value))))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining(value.startsWith("{\"rope") ? "rope_type" : key)
                .hasMessageContaining(shown)
                .hasMessageContaining(known);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            llama2  | num_hidden_layers   | 1000000000
            llama2  | hidden_size         | 0
            llama2  | hidden_size         | 2147483647
            llama2  | hidden_size         | "64"
            llama2  | num_key_value_heads | 3
            llama2  | head_dim            | 1000000
            llama2  | head_dim            | 15
            llama2  | rms_norm_eps        | -1
            llama2  | vocab_size          | 1e30
            llama2  | rope_parameters     | {"rope_type":"linear","factor":0}
            llama2  | rope_parameters     | {"rope_type":"llama3","factor":8}
            llama2  | rope_parameters     | {"rope_type":"longrope","short_factor":[1],"long_factor":[1]}
            llama2  | rope_parameters     | {"rope_theta":0}
            llama2  | lte                 | {"version":1,"expert_size":5,"threshold":0.5}
            llama2  | lte                 | {"version":1,"expert_size":32,"threshold":1}
            llama2  | lte                 | {"version":1,"threshold":0.5}
            llama2  | lte                 | []
            gemma2  | layer_types         | ["full_attention"]
            gemma2  | sliding_window      | 0
            roberta | id2label            | {"1":"a"}
            roberta | pad_token_id        | 500
            """)
    void absurdValuesAreErrorsWithAPlace(String family, String key, String value) {
        assertThatThrownBy(() -> read(family, json -> json.set(key, MAPPER.readTree(value))))
                .isInstanceOf(ModelFormatException.class)
                .satisfies(error ->
                        assertThat(((ModelFormatException) error).item()).isNotEmpty());
    }

    @Test
    void laterVersionsOfRoutingAreNotGuessedAt() {
        assertThatThrownBy(() -> read(
                        "llama2",
                        json -> json.set("lte", object("{\"version\":3,\"expert_size\":32,\"threshold\":0.5}"))))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("lte.version 3");
    }
}
