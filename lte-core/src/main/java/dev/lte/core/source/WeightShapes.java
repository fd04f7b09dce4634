package dev.lte.core.source;

import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.WeightRole;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** The shape that a configuration gives a weight. */
public final class WeightShapes {
    /** Stands for any number of rows. */
    static final long ANY = 0;

    private static final Set<WeightRole> MATRICES = EnumSet.of(
            WeightRole.TOKEN_EMBEDDING,
            WeightRole.POSITION_EMBEDDING,
            WeightRole.TOKEN_TYPE_EMBEDDING,
            WeightRole.QUERY,
            WeightRole.KEY,
            WeightRole.VALUE,
            WeightRole.ATTENTION_OUTPUT,
            WeightRole.GATE,
            WeightRole.UP,
            WeightRole.DOWN,
            WeightRole.ROUTER,
            WeightRole.HEAD,
            WeightRole.CLASSIFIER_DENSE,
            WeightRole.CLASSIFIER_OUTPUT);

    private WeightShapes() {}

    /** Whether files hold the weight in one dimension: norms and biases. */
    public static boolean isVector(WeightRole role) {
        return !MATRICES.contains(role);
    }

    /** (rows, columns); vectors have one row. */
    public static List<Long> of(WeightRole role, ModelConfig config) {
        long model = config.model();
        long queries = (long) config.heads() * config.headSize();
        long keys = (long) config.keyValueHeads() * config.headSize();
        return switch (role) {
            case TOKEN_EMBEDDING, HEAD -> List.of((long) config.vocabulary(), model);
            case POSITION_EMBEDDING -> List.of((long) config.contextLength() + config.positionOffset(), model);
            case TOKEN_TYPE_EMBEDDING -> List.of(ANY, model);
            case EMBEDDING_NORM,
                    EMBEDDING_NORM_BIAS,
                    ATTENTION_NORM,
                    ATTENTION_NORM_BIAS,
                    ATTENTION_OUTPUT_BIAS,
                    POST_ATTENTION_NORM,
                    FFN_NORM,
                    FFN_NORM_BIAS,
                    DOWN_BIAS,
                    POST_FFN_NORM,
                    FINAL_NORM,
                    FINAL_NORM_BIAS,
                    CLASSIFIER_DENSE_BIAS -> List.of(1L, model);
            case QUERY -> List.of(queries, model);
            case QUERY_BIAS -> List.of(1L, queries);
            case KEY, VALUE -> List.of(keys, model);
            case KEY_BIAS, VALUE_BIAS -> List.of(1L, keys);
            case QUERY_NORM, KEY_NORM -> List.of(1L, (long) config.headSize());
            case ATTENTION_OUTPUT -> List.of(model, queries);
            case GATE, UP -> List.of((long) config.ffn(), model);
            case UP_BIAS -> List.of(1L, (long) config.ffn());
            case DOWN -> List.of(model, (long) config.ffn());
            case ROUTER -> List.of((long) config.experts(), model);
            case CLASSIFIER_DENSE -> List.of(model, model);
            case CLASSIFIER_OUTPUT -> List.of((long) config.classes(), model);
            case CLASSIFIER_OUTPUT_BIAS -> List.of(1L, (long) config.classes());
        };
    }
}
