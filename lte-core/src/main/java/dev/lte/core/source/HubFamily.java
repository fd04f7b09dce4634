package dev.lte.core.source;

import java.util.EnumMap;
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

    private static final Keys USUAL = usual("intermediate_size", "hidden_act", "rms_norm_eps");
    private static final Keys GEMMA = usual("intermediate_size", "hidden_activation", "rms_norm_eps");
    private static final Keys OPT = usual("ffn_dim", "activation_function", "layer_norm_eps");
    private static final Keys ROBERTA = usual("intermediate_size", "hidden_act", "layer_norm_eps");
    private static final Keys GPT2 = new Keys(
            "n_embd", "n_inner", "n_layer", "n_head", "n_positions", "activation_function", "layer_norm_epsilon");

    /** From the configuration classes of transformers 5. */
    private static final Map<Family, HubFamily> FAMILIES = table("""
            family  heads  key-value  size  vocabulary  context  epsilon  theta   tied  window  windows
            LLAMA      32          0     0       32000     2048     1e-6    1e4  false       0     NONE
            MISTRAL    32          8     0       32000   131072     1e-6    1e4  false    4096      ALL
            QWEN2      32         32     0      151936    32768     1e-6    1e4  false    4096    UPPER
            QWEN3      32         32   128      151936    32768     1e-6    1e4  false    4096    UPPER
            GEMMA2      8          4   256      256000     8192     1e-6    1e4   true    4096  PATTERN
            GEMMA3      8          4   256      262208   131072     1e-6    1e6   true    4096  PATTERN
            PHI3       32          0     0       32064     4096     1e-5    1e4  false       0      ALL
            GPT2       12          0     0       50257     1024     1e-5    1e4   true       0     NONE
            OPT        12          0     0       50272     2048     1e-5    1e4   true       0     NONE
            ROBERTA    12          0     0       50265      512    1e-12    1e4   true       0     NONE
            """);

    /** Flags of any family. */
    static final Map<String, Boolean> NEUTRAL = Map.of(
            "is_encoder_decoder", false,
            "add_cross_attention", false,
            "use_bidirectional_attention", false);

    /** Counts that only mixtures of experts have. */
    static final List<String> EXPERT_COUNTS = List.of("num_local_experts", "num_experts", "n_routed_experts");

    private static Keys usual(String ffn, String activation, String epsilon) {
        return new Keys(
                "hidden_size",
                ffn,
                "num_hidden_layers",
                "num_attention_heads",
                "max_position_embeddings",
                activation,
                epsilon);
    }

    private static Map<Family, HubFamily> table(String text) {
        Map<Family, HubFamily> families = new EnumMap<>(Family.class);
        text.lines().skip(1).forEach(line -> {
            String[] cells = line.split(" +");
            Family family = Family.valueOf(cells[0]);
            families.put(
                    family,
                    new HubFamily(
                            keys(family),
                            Integer.parseInt(cells[1]),
                            Integer.parseInt(cells[2]),
                            Integer.parseInt(cells[3]),
                            Integer.parseInt(cells[4]),
                            Integer.parseInt(cells[5]),
                            Double.parseDouble(cells[6]),
                            Double.parseDouble(cells[7]),
                            Boolean.parseBoolean(cells[8]),
                            Integer.parseInt(cells[9]),
                            Windows.valueOf(cells[10]),
                            neutral(family)));
        });
        return families;
    }

    private static Keys keys(Family family) {
        return switch (family) {
            case GEMMA2, GEMMA3 -> GEMMA;
            case GPT2 -> GPT2;
            case OPT -> OPT;
            case ROBERTA -> ROBERTA;
            default -> USUAL;
        };
    }

    private static Map<String, Boolean> neutral(Family family) {
        return switch (family) {
            case LLAMA -> Map.of("mlp_bias", false);
            case GPT2 -> Map.of("scale_attn_by_inverse_layer_idx", false);
            case OPT -> Map.of("layer_norm_elementwise_affine", true);
            case ROBERTA -> Map.of("is_decoder", false);
            default -> Map.of();
        };
    }

    public static HubFamily of(Family family) {
        HubFamily found = FAMILIES.get(family);
        if (found == null) {
            throw new IllegalStateException("no configuration table for " + family);
        }
        return found;
    }
}
