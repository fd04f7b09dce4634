package dev.lte.core.source;

import static dev.lte.core.arch.WeightRole.*;

import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.source.TensorNames.Fused;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** Names of weights in the safetensors files of the hub. */
public final class HubNames {
    private static final Map<WeightRole, String> LLAMA = TensorNames.table(
            TOKEN_EMBEDDING, "embed_tokens.weight",
            ATTENTION_NORM, "layers.{l}.input_layernorm.weight",
            QUERY, "layers.{l}.self_attn.q_proj.weight",
            QUERY_BIAS, "layers.{l}.self_attn.q_proj.bias",
            KEY, "layers.{l}.self_attn.k_proj.weight",
            KEY_BIAS, "layers.{l}.self_attn.k_proj.bias",
            VALUE, "layers.{l}.self_attn.v_proj.weight",
            VALUE_BIAS, "layers.{l}.self_attn.v_proj.bias",
            QUERY_NORM, "layers.{l}.self_attn.q_norm.weight",
            KEY_NORM, "layers.{l}.self_attn.k_norm.weight",
            ATTENTION_OUTPUT, "layers.{l}.self_attn.o_proj.weight",
            ATTENTION_OUTPUT_BIAS, "layers.{l}.self_attn.o_proj.bias",
            FFN_NORM, "layers.{l}.post_attention_layernorm.weight",
            GATE, "layers.{l}.mlp.gate_proj.weight",
            UP, "layers.{l}.mlp.up_proj.weight",
            DOWN, "layers.{l}.mlp.down_proj.weight",
            ROUTER, "layers.{l}.mlp.router.weight",
            FINAL_NORM, "norm.weight");

    private static final Map<WeightRole, String> GEMMA = TensorNames.table(
            POST_ATTENTION_NORM, "layers.{l}.post_attention_layernorm.weight",
            FFN_NORM, "layers.{l}.pre_feedforward_layernorm.weight",
            POST_FFN_NORM, "layers.{l}.post_feedforward_layernorm.weight");

    private static final Map<WeightRole, String> GPT2 = TensorNames.table(
            TOKEN_EMBEDDING, "wte.weight",
            POSITION_EMBEDDING, "wpe.weight",
            ATTENTION_NORM, "h.{l}.ln_1.weight",
            ATTENTION_NORM_BIAS, "h.{l}.ln_1.bias",
            ATTENTION_OUTPUT, "h.{l}.attn.c_proj.weight",
            ATTENTION_OUTPUT_BIAS, "h.{l}.attn.c_proj.bias",
            FFN_NORM, "h.{l}.ln_2.weight",
            FFN_NORM_BIAS, "h.{l}.ln_2.bias",
            UP, "h.{l}.mlp.c_fc.weight",
            UP_BIAS, "h.{l}.mlp.c_fc.bias",
            DOWN, "h.{l}.mlp.c_proj.weight",
            DOWN_BIAS, "h.{l}.mlp.c_proj.bias",
            ROUTER, "h.{l}.mlp.router.weight",
            FINAL_NORM, "ln_f.weight",
            FINAL_NORM_BIAS, "ln_f.bias");

    private static final Map<WeightRole, String> OPT = TensorNames.table(
            TOKEN_EMBEDDING, "embed_tokens.weight",
            POSITION_EMBEDDING, "embed_positions.weight",
            ATTENTION_NORM, "layers.{l}.self_attn_layer_norm.weight",
            ATTENTION_NORM_BIAS, "layers.{l}.self_attn_layer_norm.bias",
            QUERY, "layers.{l}.self_attn.q_proj.weight",
            QUERY_BIAS, "layers.{l}.self_attn.q_proj.bias",
            KEY, "layers.{l}.self_attn.k_proj.weight",
            KEY_BIAS, "layers.{l}.self_attn.k_proj.bias",
            VALUE, "layers.{l}.self_attn.v_proj.weight",
            VALUE_BIAS, "layers.{l}.self_attn.v_proj.bias",
            ATTENTION_OUTPUT, "layers.{l}.self_attn.out_proj.weight",
            ATTENTION_OUTPUT_BIAS, "layers.{l}.self_attn.out_proj.bias",
            FFN_NORM, "layers.{l}.final_layer_norm.weight",
            FFN_NORM_BIAS, "layers.{l}.final_layer_norm.bias",
            UP, "layers.{l}.fc1.weight",
            UP_BIAS, "layers.{l}.fc1.bias",
            DOWN, "layers.{l}.fc2.weight",
            DOWN_BIAS, "layers.{l}.fc2.bias",
            ROUTER, "layers.{l}.mlp.router.weight",
            FINAL_NORM, "final_layer_norm.weight",
            FINAL_NORM_BIAS, "final_layer_norm.bias");

    private static final Map<WeightRole, String> ROBERTA = TensorNames.table(
            TOKEN_EMBEDDING, "embeddings.word_embeddings.weight",
            POSITION_EMBEDDING, "embeddings.position_embeddings.weight",
            TOKEN_TYPE_EMBEDDING, "embeddings.token_type_embeddings.weight",
            EMBEDDING_NORM, "embeddings.LayerNorm.weight",
            EMBEDDING_NORM_BIAS, "embeddings.LayerNorm.bias",
            ATTENTION_NORM, "encoder.layer.{l}.attention.output.LayerNorm.weight",
            ATTENTION_NORM_BIAS, "encoder.layer.{l}.attention.output.LayerNorm.bias",
            QUERY, "encoder.layer.{l}.attention.self.query.weight",
            QUERY_BIAS, "encoder.layer.{l}.attention.self.query.bias",
            KEY, "encoder.layer.{l}.attention.self.key.weight",
            KEY_BIAS, "encoder.layer.{l}.attention.self.key.bias",
            VALUE, "encoder.layer.{l}.attention.self.value.weight",
            VALUE_BIAS, "encoder.layer.{l}.attention.self.value.bias",
            ATTENTION_OUTPUT, "encoder.layer.{l}.attention.output.dense.weight",
            ATTENTION_OUTPUT_BIAS, "encoder.layer.{l}.attention.output.dense.bias",
            FFN_NORM, "encoder.layer.{l}.output.LayerNorm.weight",
            FFN_NORM_BIAS, "encoder.layer.{l}.output.LayerNorm.bias",
            UP, "encoder.layer.{l}.intermediate.dense.weight",
            UP_BIAS, "encoder.layer.{l}.intermediate.dense.bias",
            DOWN, "encoder.layer.{l}.output.dense.weight",
            DOWN_BIAS, "encoder.layer.{l}.output.dense.bias",
            ROUTER, "encoder.layer.{l}.mlp.router.weight");

    /** Outside the prefix of the rest. */
    private static final Map<WeightRole, String> HEADS = TensorNames.table(
            HEAD, "lm_head.weight",
            CLASSIFIER_DENSE, "classifier.dense.weight",
            CLASSIFIER_DENSE_BIAS, "classifier.dense.bias",
            CLASSIFIER_OUTPUT, "classifier.out_proj.weight",
            CLASSIFIER_OUTPUT_BIAS, "classifier.out_proj.bias");

    private HubNames() {}

    /** What stands in front of names, the usual first; checkpoints of a bare trunk leave it out. */
    public static List<String> prefixes(Family family) {
        return switch (family) {
            case GPT2 -> List.of("transformer.", "");
            case OPT -> List.of("model.decoder.", "decoder.", "");
            case ROBERTA -> List.of("roberta.", "");
            case GEMMA3 -> List.of("model.", "", "language_model.model.", "model.language_model.");
            default -> List.of("model.", "");
        };
    }

    /**
     * @param prefix one of {@link #prefixes}
     * @param tied whether a head beside the token embedding is to be ignored
     */
    public static TensorNames of(Family family, String prefix, boolean tied) {
        Map<WeightRole, String> names = names(family, prefix);
        List<Fused> fused = new ArrayList<>();
        if (family == Family.PHI3) {
            fused.add(new Fused(prefix + "layers.{l}.self_attn.qkv_proj.weight", List.of(QUERY, KEY, VALUE)));
            fused.add(new Fused(prefix + "layers.{l}.mlp.gate_up_proj.weight", List.of(GATE, UP)));
        } else if (family == Family.GPT2) {
            fused.add(new Fused(prefix + "h.{l}.attn.c_attn.weight", List.of(QUERY, KEY, VALUE)));
            fused.add(new Fused(prefix + "h.{l}.attn.c_attn.bias", List.of(QUERY_BIAS, KEY_BIAS, VALUE_BIAS)));
        }
        // GPT-2's Conv1D keeps (input features, output features).
        Set<WeightRole> transposed =
                family == Family.GPT2 ? Set.of(QUERY, KEY, VALUE, ATTENTION_OUTPUT, UP, DOWN) : Set.of();
        return new TensorNames(names, fused, transposed, ignored(family, tied));
    }

    /** With the prefix, and without what is written fused. */
    private static Map<WeightRole, String> names(Family family, String prefix) {
        Map<WeightRole, String> names = new EnumMap<>(WeightRole.class);
        Map<WeightRole, String> table = switch (family) {
            case GPT2 -> GPT2;
            case OPT -> OPT;
            case ROBERTA -> ROBERTA;
            default -> LLAMA;
        };
        table.forEach((role, name) -> names.put(role, prefix + name));
        if (family.placement() == NormPlacement.AROUND) {
            GEMMA.forEach((role, name) -> names.put(role, prefix + name));
        }
        String head = prefix.startsWith("language_model.") ? "language_model." : "";
        HEADS.forEach((role, name) -> names.put(role, head + name));
        return names;
    }

    private static Predicate<String> ignored(Family family, boolean tied) {
        // Buffers that older versions of transformers saved, and parts of a model beside its text.
        Predicate<String> ignored = name -> name.endsWith(".rotary_emb.inv_freq")
                || name.endsWith(".attn.masked_bias")
                || name.endsWith("embeddings.position_ids")
                || tied && (name.equals("lm_head.weight") || name.endsWith(".lm_head.weight"));
        return switch (family) {
            case GPT2 -> ignored.or(name -> name.endsWith(".attn.bias"));
            case ROBERTA -> ignored.or(name -> name.startsWith("roberta.pooler.") || name.startsWith("pooler."));
            case GEMMA3 ->
                ignored.or(name -> name.contains("vision_tower.") || name.contains("multi_modal_projector."));
            default -> ignored;
        };
    }
}
