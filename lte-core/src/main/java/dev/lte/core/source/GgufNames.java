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

/** Names of weights in GGUF, which are nearly the same for all families. */
public final class GgufNames {
    private static final Map<WeightRole, String> NAMES = TensorNames.table(
            TOKEN_EMBEDDING, "token_embd.weight",
            POSITION_EMBEDDING, "position_embd.weight",
            TOKEN_TYPE_EMBEDDING, "token_types.weight",
            EMBEDDING_NORM, "token_embd_norm.weight",
            EMBEDDING_NORM_BIAS, "token_embd_norm.bias",
            ATTENTION_NORM, "blk.{l}.attn_norm.weight",
            ATTENTION_NORM_BIAS, "blk.{l}.attn_norm.bias",
            QUERY, "blk.{l}.attn_q.weight",
            QUERY_BIAS, "blk.{l}.attn_q.bias",
            KEY, "blk.{l}.attn_k.weight",
            KEY_BIAS, "blk.{l}.attn_k.bias",
            VALUE, "blk.{l}.attn_v.weight",
            VALUE_BIAS, "blk.{l}.attn_v.bias",
            QUERY_NORM, "blk.{l}.attn_q_norm.weight",
            KEY_NORM, "blk.{l}.attn_k_norm.weight",
            ATTENTION_OUTPUT, "blk.{l}.attn_output.weight",
            ATTENTION_OUTPUT_BIAS, "blk.{l}.attn_output.bias",
            POST_ATTENTION_NORM, "blk.{l}.post_attention_norm.weight",
            FFN_NORM, "blk.{l}.ffn_norm.weight",
            FFN_NORM_BIAS, "blk.{l}.ffn_norm.bias",
            GATE, "blk.{l}.ffn_gate.weight",
            UP, "blk.{l}.ffn_up.weight",
            UP_BIAS, "blk.{l}.ffn_up.bias",
            DOWN, "blk.{l}.ffn_down.weight",
            DOWN_BIAS, "blk.{l}.ffn_down.bias",
            POST_FFN_NORM, "blk.{l}.post_ffw_norm.weight",
            ROUTER, "blk.{l}.ffn_router.weight",
            FINAL_NORM, "output_norm.weight",
            FINAL_NORM_BIAS, "output_norm.bias",
            HEAD, "output.weight",
            CLASSIFIER_DENSE, "cls.weight",
            CLASSIFIER_DENSE_BIAS, "cls.bias",
            CLASSIFIER_OUTPUT, "cls.output.weight",
            CLASSIFIER_OUTPUT_BIAS, "cls.output.bias");

    /** Where norms follow (BERT, and OPT without {@code do_layer_norm_before}). */
    private static final Map<WeightRole, String> NORMS_AFTER = TensorNames.table(
            ATTENTION_NORM, "blk.{l}.attn_output_norm.weight",
            ATTENTION_NORM_BIAS, "blk.{l}.attn_output_norm.bias",
            FFN_NORM, "blk.{l}.layer_output_norm.weight",
            FFN_NORM_BIAS, "blk.{l}.layer_output_norm.bias");

    private GgufNames() {}

    /** The name of a weight; {@code layer} is ignored for roles that exist once. */
    public static String name(WeightRole role, int layer, NormPlacement placement) {
        String usual = NAMES.get(role);
        String name = placement == NormPlacement.AFTER ? NORMS_AFTER.getOrDefault(role, usual) : usual;
        if (name == null) {
            throw new IllegalStateException(role + " has no name in GGUF");
        }
        return name.replace(TensorNames.LAYER, String.valueOf(layer));
    }

    static TensorNames of(NormPlacement placement, boolean gated) {
        Map<WeightRole, String> names = new EnumMap<>(NAMES);
        if (placement == NormPlacement.AFTER) {
            names.putAll(NORMS_AFTER);
        }
        List<Fused> fused = new ArrayList<>();
        fused.add(new Fused("blk.{l}.attn_qkv.weight", List.of(QUERY, KEY, VALUE)));
        fused.add(new Fused("blk.{l}.attn_qkv.bias", List.of(QUERY_BIAS, KEY_BIAS, VALUE_BIAS)));
        if (gated) {
            // Phi-3 keeps gate and up projection in one tensor of the latter's name.
            fused.add(new Fused("blk.{l}.ffn_up.weight", List.of(GATE, UP)));
        }
        Set<String> ropes = Set.of(GgufKeys.ROPE_DIVISORS, GgufKeys.SHORT_DIVISORS, GgufKeys.LONG_DIVISORS);
        // Old converters kept the buffers of the rotation.
        Predicate<String> ignored = name -> ropes.contains(name) || name.endsWith(".attn_rot_embd.weight");
        return new TensorNames(names, fused, Set.of(), ignored);
    }
}
