package dev.lte.core.source;

import static java.util.Map.entry;

import java.util.List;
import java.util.Map;

/**
 * Where a family's config.json keeps its values, and what transformers assumes where the file says nothing.
 *
 * @param keys names of values
 * @param heads number of attention heads if absent
 * @param keyValueHeads if absent; {@value #AS_HEADS} for as many as attention heads
 * @param headSize if absent; 0 for model / heads
 * @param vocabulary if absent
 * @param context if absent
 * @param epsilon of norms if absent
 * @param theta base of the rotation if absent
 * @param tied whether the head is the token embedding if absent
 * @param window if absent; 0 for none
 * @param windows which layers see a window only
 * @param neutral flags that would change results, and the only value that is supported
 */
public record HubFamily(
        Keys keys,
        int heads,
        int keyValueHeads,
        int headSize,
        int vocabulary,
        int context,
        double epsilon,
        double theta,
        boolean tied,
        int window,
        Windows windows,
        Map<String, Boolean> neutral) {
    static final int AS_HEADS = 0;

    /** Names of values in config.json. */
    public record Keys(
            String model, String ffn, String layers, String heads, String context, String activation, String epsilon) {}

    public enum Windows {
        NONE,
        /** Every layer, if the model has a window at all. */
        ALL,
        /** Layers from {@code max_window_layers} on, if {@code use_sliding_window}; Qwen. */
        UPPER,
        /** All but every second layer (Gemma 2) or every n-th (Gemma 3). */
        PATTERN
    }

    private static final Keys USUAL = new Keys(
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "max_position_embeddings",
            "hidden_act",
            "rms_norm_eps");
    private static final Keys GEMMA = new Keys(
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "max_position_embeddings",
            "hidden_activation",
            "rms_norm_eps");
    private static final Keys GPT2 = new Keys(
            "n_embd", "n_inner", "n_layer", "n_head", "n_positions", "activation_function", "layer_norm_epsilon");
    private static final Keys OPT = new Keys(
            "hidden_size",
            "ffn_dim",
            "num_hidden_layers",
            "num_attention_heads",
            "max_position_embeddings",
            "activation_function",
            "layer_norm_eps");
    private static final Keys ROBERTA = new Keys(
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "max_position_embeddings",
            "hidden_act",
            "layer_norm_eps");
    private static final double THETA = 10_000;

    /** From the configuration classes of transformers 5. */
    private static final Map<Family, HubFamily> FAMILIES = Map.ofEntries(
            entry(
                    Family.LLAMA,
                    new HubFamily(
                            USUAL, 32, AS_HEADS, 0, 32_000, 2048, 1e-6, THETA, false, 0, Windows.NONE,
                            Map.of("mlp_bias", false))),
            entry(
                    Family.MISTRAL,
                    new HubFamily(
                            USUAL, 32, 8, 0, 32_000, 131_072, 1e-6, THETA, false, 4096, Windows.ALL, Map.of())),
            entry(
                    Family.QWEN2,
                    new HubFamily(
                            USUAL, 32, 32, 0, 151_936, 32_768, 1e-6, THETA, false, 4096, Windows.UPPER, Map.of())),
            entry(
                    Family.QWEN3,
                    new HubFamily(
                            USUAL, 32, 32, 128, 151_936, 32_768, 1e-6, THETA, false, 4096, Windows.UPPER, Map.of())),
            entry(
                    Family.GEMMA2,
                    new HubFamily(
                            GEMMA, 8, 4, 256, 256_000, 8192, 1e-6, THETA, true, 4096, Windows.PATTERN, Map.of())),
            entry(
                    Family.GEMMA3,
                    new HubFamily(
                            GEMMA, 8, 4, 256, 262_208, 131_072, 1e-6, 1e6, true, 4096, Windows.PATTERN, Map.of())),
            entry(
                    Family.PHI3,
                    new HubFamily(
                            USUAL, 32, AS_HEADS, 0, 32_064, 4096, 1e-5, THETA, false, 0, Windows.ALL, Map.of())),
            entry(
                    Family.GPT2,
                    new HubFamily(
                            GPT2, 12, AS_HEADS, 0, 50_257, 1024, 1e-5, THETA, true, 0, Windows.NONE,
                            Map.of("scale_attn_by_inverse_layer_idx", false))),
            entry(
                    Family.OPT,
                    new HubFamily(
                            OPT, 12, AS_HEADS, 0, 50_272, 2048, 1e-5, THETA, true, 0, Windows.NONE,
                            Map.of("layer_norm_elementwise_affine", true))),
            entry(
                    Family.ROBERTA,
                    new HubFamily(
                            ROBERTA, 12, AS_HEADS, 0, 50_265, 512, 1e-12, THETA, true, 0, Windows.NONE,
                            Map.of("is_decoder", false))));

    /** Flags of any family. */
    static final Map<String, Boolean> NEUTRAL = Map.of(
            "is_encoder_decoder", false,
            "add_cross_attention", false,
            "use_bidirectional_attention", false);

    /** Counts that only mixtures of experts have. */
    static final List<String> EXPERT_COUNTS = List.of("num_local_experts", "num_experts", "n_routed_experts");

    public static HubFamily of(Family family) {
        HubFamily found = FAMILIES.get(family);
        if (found == null) {
            throw new IllegalStateException("no configuration table for " + family);
        }
        return found;
    }
}
