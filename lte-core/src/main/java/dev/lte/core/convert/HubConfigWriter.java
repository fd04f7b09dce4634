package dev.lte.core.convert;

import dev.lte.UnsupportedModelException;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Layer;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.arch.ModelConfig.Rope;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.io.JsonView;
import dev.lte.core.source.Activations;
import dev.lte.core.source.Family;
import dev.lte.core.source.Family.Trait;
import dev.lte.core.source.HubFamily;
import dev.lte.core.source.HubFamily.Windows;
import dev.lte.core.source.LteRouting;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes config.json as transformers 5 spells it, with LTE's routing in an object {@code lte} beside the rest. */
final class HubConfigWriter {
    private static final Map<Family, String> ARCHITECTURES = Map.of(
            Family.LLAMA, "LlamaForCausalLM",
            Family.MISTRAL, "MistralForCausalLM",
            Family.QWEN2, "Qwen2ForCausalLM",
            Family.QWEN3, "Qwen3ForCausalLM",
            Family.GEMMA2, "Gemma2ForCausalLM",
            Family.GEMMA3, "Gemma3ForCausalLM",
            Family.PHI3, "Phi3ForCausalLM",
            Family.GPT2, "GPT2LMHeadModel",
            Family.OPT, "OPTForCausalLM",
            Family.ROBERTA, "RobertaForSequenceClassification");

    private final ModelSource source;
    private final ModelConfig config;
    private final Family family;
    private final HubFamily table;
    private final ObjectNode json = JsonView.mapper().createObjectNode();

    private HubConfigWriter(ModelSource source, Family family) {
        this.source = source;
        this.family = family;
        config = source.config();
        table = HubFamily.of(family);
    }

    /** @param positionOffset rows of learned positions in front of the first position's */
    static ObjectNode write(ModelSource source, Family family, int positionOffset) {
        return new HubConfigWriter(source, family).write(positionOffset);
    }

    private ObjectNode write(int positionOffset) {
        json.putArray("architectures").add(ARCHITECTURES.get(family));
        json.put("model_type", family.hubType());
        HubFamily.Keys keys = table.keys();
        json.put(keys.model(), config.model());
        json.put(keys.ffn(), config.ffn());
        json.put(keys.layers(), config.layers().size());
        json.put(keys.heads(), config.heads());
        json.put(keys.activation(), Activations.nameOf(config.activation()));
        json.put("vocab_size", config.vocabulary());
        boolean counted = family == Family.ROBERTA;
        json.put(keys.context(), config.contextLength() + (counted ? positionOffset : 0));
        if (family != Family.OPT) {
            json.put(
                    keys.epsilon(),
                    Double.parseDouble(Float.toString(config.norm().epsilon())));
        }
        json.put("tie_word_embeddings", source.find(WeightRole.HEAD, 0) == null);
        if (!family.has(Trait.LEARNED_POSITIONS)) {
            rotating();
        } else if (config.headSize() * config.heads() != config.model()) {
            throw unsupported("heads of " + config.headSize());
        }
        if (family == Family.OPT) {
            json.put("word_embed_proj_dim", config.model());
            json.put("do_layer_norm_before", config.normPlacement() == NormPlacement.BEFORE);
            json.put("_remove_final_layer_norm", source.find(WeightRole.FINAL_NORM, 0) == null);
            json.put("enable_bias", source.find(WeightRole.UP_BIAS, 0) != null);
        } else if (family == Family.ROBERTA) {
            json.put("pad_token_id", positionOffset - 1);
            json.put(
                    "type_vocab_size",
                    source.get(WeightRole.TOKEN_TYPE_EMBEDDING, 0).rows());
            ObjectNode labels = json.putObject("id2label");
            for (int i = 0; i < config.classes(); i++) {
                labels.put(String.valueOf(i), config.classLabels().get(i));
            }
        }
        routing();
        return json;
    }

    private void rotating() {
        json.put("num_key_value_heads", config.keyValueHeads());
        json.put("head_dim", config.headSize());
        boolean output = source.find(WeightRole.ATTENTION_OUTPUT_BIAS, 0) != null;
        boolean query = source.find(WeightRole.QUERY_BIAS, 0) != null;
        if (output || query && !family.has(Trait.QKV_BIAS)) {
            if (!output || !query || !(family == Family.LLAMA || family == Family.QWEN3 || family.has(Trait.GEMMA))) {
                throw unsupported("biases of some projections only");
            }
            json.put("attention_bias", true);
        }
        if (family.has(Trait.GEMMA)) {
            double scale = config.attentionScale();
            json.put("query_pre_attn_scalar", Math.round(1 / (scale * scale) * 1e4) / 1e4);
            putCap("attn_logit_softcapping", config.attentionSoftcap());
            putCap("final_logit_softcapping", config.finalSoftcap());
        }
        windows();
        List<Rope> ropes = config.ropes();
        ObjectNode parameters = json.putObject("rope_parameters");
        if (ropes.size() > 1) {
            rope(parameters.putObject("full_attention"), ropes.get(0));
            rope(parameters.putObject("sliding_attention"), ropes.get(1));
        } else {
            rope(parameters, ropes.getFirst());
        }
    }

    private void putCap(String key, float cap) {
        if (cap == 0) {
            json.putNull(key);
        } else {
            json.put(key, cap);
        }
    }

    private void windows() {
        int size = config.layers().stream().mapToInt(Layer::window).max().orElse(0);
        boolean all = config.layers().stream().allMatch(layer -> layer.window() == size);
        boolean one = config.layers().stream().allMatch(layer -> layer.window() == size || layer.window() == 0);
        boolean mixed = table.windows() == Windows.UPPER || table.windows() == Windows.PATTERN;
        if (size > 0 && (table.windows() == Windows.NONE || !one || !mixed && !all)) {
            throw unsupported("sliding windows of this pattern");
        }
        if (size == 0) {
            json.putNull("sliding_window");
        } else {
            json.put("sliding_window", size);
        }
        if (mixed) {
            json.put("use_sliding_window", size > 0);
            ArrayNode types = json.putArray("layer_types");
            config.layers().forEach(layer -> types.add(layer.window() > 0 ? "sliding_attention" : "full_attention"));
        }
    }

    /** Angles that no formula gives are written as LongRoPE's divisors, the same for every length. */
    private void rope(ObjectNode parameters, Rope rope) {
        List<Double> frequencies = rope.inverseFrequencies();
        int rotated = 2 * frequencies.size();
        if (rotated != config.headSize()) {
            if (family != Family.PHI3) {
                throw unsupported("rotating " + rotated + " of " + config.headSize() + " columns");
            }
            parameters.put("partial_rotary_factor", (double) rotated / config.headSize());
        }
        @Nullable Geometric geometric = rope.magnitude() == 1 ? Geometric.of(frequencies) : null;
        if (geometric != null) {
            parameters.put("rope_theta", (double) geometric.theta());
            parameters.put("rope_type", geometric.factor() == 1 ? "default" : "linear");
            if (geometric.factor() != 1) {
                parameters.put("factor", (double) geometric.factor());
            }
            return;
        }
        float theta = Geometric.base(frequencies);
        parameters.put("rope_theta", (double) theta);
        parameters.put("rope_type", "longrope");
        parameters.put("attention_factor", rope.magnitude());
        parameters.put("original_max_position_embeddings", config.contextLength());
        for (String key : List.of("short_factor", "long_factor")) {
            ArrayNode divisors = parameters.putArray(key);
            for (int i = 0; i < frequencies.size(); i++) {
                divisors.add(Math.pow(theta, -2.0 * i / rotated) / frequencies.get(i));
            }
        }
    }

    private void routing() {
        ModelConfig.Routing routing = config.routing();
        if (routing == null) {
            return;
        }
        ObjectNode lte = json.putObject("lte");
        lte.put("version", LteRouting.version(routing));
        if (routing.topK() > 0) {
            lte.put("top_k", routing.topK());
        }
        lte.put("expert_size", routing.expertSize());
        lte.put("threshold", Double.parseDouble(Float.toString(routing.threshold())));
        source.provenance().forEach((key, value) -> {
            if (value instanceof Double number) {
                lte.put(key, number);
            } else {
                lte.put(key, value.toString());
            }
        });
    }

    private UnsupportedModelException unsupported(String what) {
        return new UnsupportedModelException(
                "config.json of " + family.hubType() + " has no place for " + what, "convert to GGUF instead");
    }
}
