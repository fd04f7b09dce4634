package dev.lte.core.arch;

/**
 * The weights a model may have, by what they are for. Shapes are (output features, input features); vectors have one row.
 * Roles from {@link #ATTENTION_NORM} to {@link #ROUTER} exist once per layer.
 */
public enum WeightRole {
    /** (V, D). */
    TOKEN_EMBEDDING(false),
    /** (positions + offset, D), learned. */
    POSITION_EMBEDDING(false),
    /** (types, D), RoBERTa; only row 0 is used. */
    TOKEN_TYPE_EMBEDDING(false),
    EMBEDDING_NORM(false),
    EMBEDDING_NORM_BIAS(false),

    /** In front of attention, or behind it where norms follow (RoBERTa). */
    ATTENTION_NORM(true),
    ATTENTION_NORM_BIAS(true),
    /** (H x E, D). */
    QUERY(true),
    QUERY_BIAS(true),
    /** (K x E, D). */
    KEY(true),
    KEY_BIAS(true),
    /** (K x E, D). */
    VALUE(true),
    VALUE_BIAS(true),
    /** (E), per head (Qwen3, Gemma 3). */
    QUERY_NORM(true),
    KEY_NORM(true),
    /** (D, H x E). */
    ATTENTION_OUTPUT(true),
    ATTENTION_OUTPUT_BIAS(true),
    /** On the output of attention before the residual (Gemma). */
    POST_ATTENTION_NORM(true),
    /** In front of the FFN, or behind it where norms follow (RoBERTa). */
    FFN_NORM(true),
    FFN_NORM_BIAS(true),
    /** (F, D). */
    GATE(true),
    /** (F, D). */
    UP(true),
    UP_BIAS(true),
    /** (D, F). */
    DOWN(true),
    DOWN_BIAS(true),
    /** On the output of the FFN before the residual (Gemma). */
    POST_FFN_NORM(true),
    /** (N, D), the LTE router. */
    ROUTER(true),

    FINAL_NORM(false),
    FINAL_NORM_BIAS(false),
    /** (V, D); absent where the token embedding serves. */
    HEAD(false),
    /** (D, D), RoBERTa's classification head. */
    CLASSIFIER_DENSE(false),
    CLASSIFIER_DENSE_BIAS(false),
    /** (classes, D). */
    CLASSIFIER_OUTPUT(false),
    CLASSIFIER_OUTPUT_BIAS(false);

    private final boolean perLayer;

    WeightRole(boolean perLayer) {
        this.perLayer = perLayer;
    }

    public boolean perLayer() {
        return perLayer;
    }
}
