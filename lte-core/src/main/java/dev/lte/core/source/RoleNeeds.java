package dev.lte.core.source;

import dev.lte.backend.NormSpec;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.source.Family.Trait;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Which weights a model must have, may have (in all layers or in none), and cannot have. Not thread-safe. */
final class RoleNeeds {
    enum Need {
        REQUIRED,
        OPTIONAL,
        NONE
    }

    static final List<WeightRole> PROJECTION_BIASES = List.of(
            WeightRole.QUERY_BIAS, WeightRole.KEY_BIAS, WeightRole.VALUE_BIAS, WeightRole.ATTENTION_OUTPUT_BIAS);

    private final Map<WeightRole, Need> needs = new EnumMap<>(WeightRole.class);

    /** What follows from the family and the configuration; what a format leaves open is up to its reader. */
    RoleNeeds(Family family, ModelConfig config) {
        boolean layerNorm = config.norm().kind() == NormSpec.Kind.LAYER;
        boolean after = config.normPlacement() == NormPlacement.AFTER;
        boolean around = config.normPlacement() == NormPlacement.AROUND;
        boolean encoder = family.has(Trait.ENCODER);
        boolean biases = family.has(Trait.BIASES);
        for (WeightRole role : WeightRole.values()) {
            set(
                    role,
                    switch (role) {
                        case TOKEN_EMBEDDING, ATTENTION_NORM, QUERY, KEY, VALUE, ATTENTION_OUTPUT, FFN_NORM, UP, DOWN ->
                            true;
                        case POSITION_EMBEDDING -> family.has(Trait.LEARNED_POSITIONS);
                        case TOKEN_TYPE_EMBEDDING, EMBEDDING_NORM, EMBEDDING_NORM_BIAS -> encoder;
                        case ATTENTION_NORM_BIAS, FFN_NORM_BIAS -> layerNorm;
                        case QUERY_BIAS, KEY_BIAS, VALUE_BIAS -> biases || family.has(Trait.QKV_BIAS);
                        case ATTENTION_OUTPUT_BIAS, UP_BIAS, DOWN_BIAS -> biases;
                        case QUERY_NORM, KEY_NORM -> family.has(Trait.HEAD_NORMS);
                        case POST_ATTENTION_NORM, POST_FFN_NORM -> around;
                        case GATE -> config.gated();
                        case ROUTER -> config.routing() != null;
                        case FINAL_NORM -> !after;
                        case FINAL_NORM_BIAS -> !after && layerNorm;
                        case HEAD -> !encoder;
                        case CLASSIFIER_DENSE, CLASSIFIER_DENSE_BIAS, CLASSIFIER_OUTPUT, CLASSIFIER_OUTPUT_BIAS ->
                            config.classes() > 0;
                    });
        }
    }

    private void set(WeightRole role, boolean required) {
        needs.put(role, required ? Need.REQUIRED : Need.NONE);
    }

    RoleNeeds with(Need need, List<WeightRole> roles) {
        roles.forEach(role -> needs.put(role, need));
        return this;
    }

    RoleNeeds with(Need need, WeightRole... roles) {
        return with(need, List.of(roles));
    }

    Need of(WeightRole role) {
        return needs.getOrDefault(role, Need.NONE);
    }
}
