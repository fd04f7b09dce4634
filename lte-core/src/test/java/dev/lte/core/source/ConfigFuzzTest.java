package dev.lte.core.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.lte.LteException;
import dev.lte.core.arch.ModelSource;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Damaged configurations: a model opens, or says in a typed error why not. */
class ConfigFuzzTest {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final long SEED = 20260501;

    /** Keys that only some of the configurations have. */
    private static final List<String> KEYS = List.of(
            "rope_scaling",
            "rope_parameters",
            "rope_theta",
            "lte",
            "text_config",
            "quantization_config",
            "sliding_window",
            "layer_types",
            "head_dim",
            "id2label",
            "partial_rotary_factor",
            "original_max_position_embeddings",
            "sliding_window_pattern",
            "n_inner",
            "attention_bias");

    private static final List<String> VALUES = List.of(
            "null",
            "0",
            "-1",
            "1",
            "2",
            "3",
            "64",
            "1e-300",
            "1e300",
            "0.5",
            "2147483647",
            "2147483648",
            "9223372036854775807",
            "123456789012345678901234567890",
            "true",
            "false",
            "\"\"",
            "\"llama\"",
            "\"gemma3\"",
            "\"yarn\"",
            "\"gelu\"",
            "[]",
            "{}",
            "[1]",
            "[\"full_attention\",\"sliding_attention\",\"full_attention\"]",
            "{\"rope_type\":\"yarn\",\"factor\":4}",
            "{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":1,\"high_freq_factor\":4}",
            "{\"type\":\"longrope\",\"short_factor\":[1,1,1,1,1,1,1,1],\"long_factor\":[1,1,1,1,1,1,1,1]}",
            "{\"full_attention\":{\"rope_type\":\"linear\",\"factor\":0.5}}",
            "{\"version\":1,\"expert_size\":32,\"threshold\":0.5}",
            "{\"0\":\"a\",\"1\":\"b\"}");

    private final Map<String, byte[]> configs = new LinkedHashMap<>();
    private final Map<String, FakeTensors> tensors = new LinkedHashMap<>();

    ConfigFuzzTest() throws IOException {
        for (String family : Fixtures.FAMILIES) {
            byte[] json = Fixtures.config(family);
            SourceModel model = HubConfigReader.read(Path.of(family), json);
            String prefix = HubNames.prefixes(model.family()).getFirst();
            configs.put(family, json);
            tensors.put(family, FakeTensors.of(model, HubNames.of(model.family(), prefix, model.tied())));
        }
    }

    @Test
    void mutatedConfigurationsOpenOrSayWhyNot() {
        run(4_000);
    }

    @Test
    @Tag("long")
    void aMillionMutatedConfigurationsOpenOrSayWhyNot() {
        run(1_000_000);
    }

    private void run(int rounds) {
        Random random = new Random(SEED);
        List<String> families = List.copyOf(configs.keySet());
        int opened = 0;
        for (int round = 0; round < rounds; round++) {
            String family = families.get(random.nextInt(families.size()));
            byte[] json = mutated(configs.get(family), random);
            try (ModelSource source = HubSource.open(Path.of(family), json, tensors.get(family))) {
                opened += source.config().layers().size() == 3 ? 1 : 0;
            } catch (LteException expected) {
                assertThat(expected.remedy()).isNotBlank();
            } catch (RuntimeException | Error e) {
                fail("seed " + SEED + ", round " + round + ": " + new String(json, StandardCharsets.UTF_8), e);
            }
        }
        // Otherwise nothing behind the first check would have been reached.
        assertThat(opened).as("models that open").isBetween(rounds / 20, rounds * 9 / 10);
    }

    private static byte[] mutated(byte[] json, Random random) {
        if (random.nextInt(5) == 0) {
            byte[] damaged = json.clone();
            for (int i = random.nextInt(3); i >= 0; i--) {
                damaged[random.nextInt(damaged.length)] = (byte) (32 + random.nextInt(96));
            }
            return damaged;
        }
        ObjectNode root = (ObjectNode) MAPPER.readTree(json);
        for (int i = random.nextInt(3); i >= 0; i--) {
            mutate(root, random);
        }
        return MAPPER.writeValueAsBytes(root);
    }

    private static void mutate(ObjectNode root, Random random) {
        List<String> keys = new ArrayList<>(root.propertyNames());
        if (keys.isEmpty() || random.nextInt(4) == 0) {
            keys.addAll(KEYS);
        }
        String key = keys.get(random.nextInt(keys.size()));
        JsonNode value = root.get(key);
        if (value instanceof ObjectNode inner && random.nextInt(3) != 0) {
            mutate(inner, random);
        } else if (value instanceof ArrayNode array && !array.isEmpty() && random.nextInt(3) != 0) {
            array.set(random.nextInt(array.size()), value(random));
        } else if (random.nextInt(6) == 0) {
            root.remove(key);
        } else {
            root.set(key, value(random));
        }
    }

    private static JsonNode value(Random random) {
        return MAPPER.readTree(VALUES.get(random.nextInt(VALUES.size())).getBytes(StandardCharsets.UTF_8));
    }
}
