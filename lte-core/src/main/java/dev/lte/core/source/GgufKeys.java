package dev.lte.core.source;

/** Metadata keys of GGUF files. Those without a prefix here stand behind the architecture's name. */
public final class GgufKeys {
    public static final String ARCHITECTURE = "general.architecture";
    public static final String NAME = "general.name";
    public static final String FILE_TYPE = "general.file_type";
    public static final String QUANTIZATION_VERSION = "general.quantization_version";
    public static final String CHAT_TEMPLATE = "tokenizer.chat_template";
    public static final String TOKEN_TYPES = "tokenizer.ggml.token_type_count";
    public static final String SPLIT_COUNT = "split.count";

    public static final String VOCABULARY = "vocab_size";
    public static final String CONTEXT = "context_length";
    public static final String MODEL = "embedding_length";
    public static final String LAYERS = "block_count";
    public static final String FFN = "feed_forward_length";
    public static final String HEADS = "attention.head_count";
    public static final String KEY_VALUE_HEADS = "attention.head_count_kv";
    public static final String KEY_LENGTH = "attention.key_length";
    public static final String VALUE_LENGTH = "attention.value_length";
    public static final String RMS_EPSILON = "attention.layer_norm_rms_epsilon";
    public static final String LAYER_EPSILON = "attention.layer_norm_epsilon";
    public static final String CAUSAL = "attention.causal";
    public static final String WINDOW = "attention.sliding_window";
    public static final String WINDOW_PATTERN = "attention.sliding_window_pattern";
    public static final String ATTENTION_SCALE = "attention.scale";
    public static final String ATTENTION_SOFTCAP = "attn_logit_softcapping";
    public static final String FINAL_SOFTCAP = "final_logit_softcapping";
    public static final String EMBEDDING_SCALE = "embedding_scale";
    public static final String ACTIVATION = "hidden_activation";
    public static final String POOLING = "pooling_type";
    public static final String LABELS = "classifier.output_labels";

    public static final String ROTATED = "rope.dimension_count";
    public static final String THETA = "rope.freq_base";
    public static final String THETA_SLIDING = "rope.freq_base_swa";
    public static final String SCALING = "rope.scaling.type";
    public static final String SCALING_FACTOR = "rope.scaling.factor";
    public static final String SCALING_FACTOR_OLD = "rope.scale_linear";
    public static final String ORIGINAL_CONTEXT = "rope.scaling.original_context_length";
    public static final String MAGNITUDE = "rope.scaling.attn_factor";
    public static final String BETA_FAST = "rope.scaling.yarn_beta_fast";
    public static final String BETA_SLOW = "rope.scaling.yarn_beta_slow";

    /** Divisors of the angles of pairs, as Llama 3.1 has them. */
    public static final String ROPE_DIVISORS = "rope_freqs.weight";

    /** LongRoPE's divisors within the original context, and beyond it. */
    public static final String SHORT_DIVISORS = "rope_factors_short.weight";

    public static final String LONG_DIVISORS = "rope_factors_long.weight";

    public static final String LTE = "lte.";
    static final String LTE_TOKENIZER = "lte.tokenizer.";
    public static final String LTE_VERSION = "lte.version";
    public static final String LTE_EXPERT_SIZE = "lte.expert_size";
    public static final String LTE_THRESHOLD = "lte.threshold";
    public static final String LTE_TOP_K = "lte.top_k";

    /** The value of {@link #POOLING} for a classifier. */
    public static final long RANK = 4;

    private GgufKeys() {}
}
