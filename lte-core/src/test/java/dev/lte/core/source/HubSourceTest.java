package dev.lte.core.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.source.RoleNeeds.Need;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Weights of hub models, found in tensors that exist in memory only. */
class HubSourceTest {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    @TempDir
    private Path directory;

    static Stream<String> families() {
        return Fixtures.FAMILIES.stream();
    }

    private static SourceModel model(String family) throws IOException {
        return HubConfigReader.read(Path.of("config.json"), Fixtures.config(family));
    }

    private static FakeTensors tensors(String family, String prefix) throws IOException {
        SourceModel model = model(family);
        return FakeTensors.of(model, HubNames.of(model.family(), prefix, model.tied()));
    }

    private static String usualPrefix(String family) throws IOException {
        return HubNames.prefixes(model(family).family()).getFirst();
    }

    private ModelSource open(String family, FakeTensors tensors) throws IOException {
        return HubSource.open(directory, Fixtures.config(family), tensors);
    }

    @ParameterizedTest
    @MethodSource("families")
    void everyRoleIsFoundWithItsShapeUnderEveryPrefix(String family) throws IOException {
        SourceModel model = model(family);
        for (String prefix : HubNames.prefixes(model.family())) {
            FakeTensors tensors = tensors(family, prefix);
            try (ModelSource source = open(family, tensors)) {
                for (WeightRole role : WeightRole.values()) {
                    int layers = role.perLayer() ? 3 : 1;
                    for (int layer = 0; layer < layers; layer++) {
                        WeightData weight = source.find(role, layer);
                        assertThat(weight != null)
                                .as("%s of layer %d with prefix '%s'", role, layer, prefix)
                                .isEqualTo(model.needs().of(role) == Need.REQUIRED);
                        if (weight != null) {
                            assertThat((long) weight.columns())
                                    .isEqualTo(WeightShapes.of(role, source.config())
                                            .get(1));
                        }
                    }
                }
            }
            assertThat(tensors.closed).isTrue();
        }
    }

    @Test
    void aWrongShapeNamesTensorShapesAndOffset() throws IOException {
        FakeTensors tensors = tensors("llama2", "model.");
        String name = "model.layers.1.mlp.down_proj.weight";
        tensors.put(name, DType.F32, 64L, 160L);
        assertThatThrownBy(() -> open("llama2", tensors))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(name + " at offset " + tensors.info(name).offset())
                .hasMessageContaining("expected (64, 192) from the configuration, found (64, 160)");
    }

    @Test
    void aMissingTensorIsNamedWithItsShape() throws IOException {
        FakeTensors tensors = tensors("llama2", "model.").remove("model.layers.2.input_layernorm.weight");
        assertThatThrownBy(() -> open("llama2", tensors))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(
                        "model.layers.2.input_layernorm.weight: expected a tensor of shape (64), found none");
    }

    @Test
    void tensorsThatWouldChangeTheResultAreRefusedByName() throws IOException {
        FakeTensors tensors = tensors("llama2", "model.").put("model.layers.0.self_attn.q_proj.bias", new float[64]);
        assertThatThrownBy(() -> open("llama2", tensors))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("model.layers.0.self_attn.q_proj.bias");
    }

    @Test
    void buffersOfOlderVersionsAreIgnored() throws IOException {
        FakeTensors llama =
                tensors("llama2", "model.").put("model.layers.0.self_attn.rotary_emb.inv_freq", new float[8]);
        open("llama2", llama).close();
        FakeTensors gpt2 = tensors("gpt2", "transformer.")
                .put("transformer.h.0.attn.bias", DType.F32, 1L, 1L, 256L, 256L)
                .put("lm_head.weight", DType.F32, 512L, 64L);
        open("gpt2", gpt2).close();
    }

    @Test
    void routersComeForAllLayersOrNone() throws IOException {
        FakeTensors without = tensors("llama2", "model.").put("model.layers.0.mlp.router.weight", DType.F32, 6L, 64L);
        assertThatThrownBy(() -> open("llama2", without))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("model.layers.0.mlp.router.weight")
                .hasMessageContaining("expert size and threshold");
        ObjectNode json = (ObjectNode) MAPPER.readTree(Fixtures.config("llama2"));
        json.putObject("lte")
                .put("version", 1)
                .put("expert_size", 32)
                .put("threshold", 0.25)
                .put("task", "stories");
        byte[] routed = MAPPER.writeValueAsBytes(json);
        assertThatThrownBy(() -> HubSource.open(directory, routed, without))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining(
                        "model.layers.1.mlp.router.weight: expected a tensor of shape (6, 64), found none");
        FakeTensors with = tensors("llama2", "model.");
        for (int layer = 0; layer < 3; layer++) {
            with.put("model.layers." + layer + ".mlp.router.weight", DType.F32, 6L, 64L);
        }
        try (ModelSource source = HubSource.open(directory, routed, with)) {
            assertThat(source.get(WeightRole.ROUTER, 2).rows()).isEqualTo(6);
            assertThat(source.provenance()).containsOnly(Map.entry("task", "stories"));
        }
    }

    @Test
    void aModelWithoutTokenizerOpensAndSaysWhatToDo() throws IOException {
        try (ModelSource source = open("llama2", tensors("llama2", usualPrefix("llama2")))) {
            assertThat(source.chatTemplate()).isNull();
            assertThatThrownBy(source::tokenizer)
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("token ids");
        }
    }

    @Test
    void theChatTemplateIsFoundInEitherFile() throws IOException {
        try (ModelSource source = open("llama2", tensors("llama2", "model."))) {
            Files.writeString(directory.resolve("tokenizer_config.json"), """
                    {"chat_template":[{"name":"rag","template":"a"},{"name":"default","template":"b"}]}""");
            assertThat(source.chatTemplate()).isEqualTo("b");
            Files.writeString(directory.resolve("chat_template.jinja"), "c");
            assertThat(source.chatTemplate()).isEqualTo("c");
        }
    }
}
