package dev.lte.core.train;

import dev.lte.backend.Activation;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.arch.WeightRole;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Models of two layers with D 12, F 24 in 4 experts and V 19, one per way in which families differ, with random weights. */
enum TinyFamily {
    /** Grouped heads, rotation, gate. */
    LLAMA,
    /** Biases of query, key and value. */
    QWEN2,
    /** Norms over heads. */
    QWEN3,
    /** Norms around branches, scaled embeddings, weights stored minus 1, a window in every other layer, capped scores. */
    GEMMA,
    /** LayerNorm with biases, learned positions, no gate, tied head. */
    GPT2,
    /** As GPT-2 with ReLU and an offset of positions. */
    OPT,
    /** Norms behind sums, no causality, classes. */
    ROBERTA;

    static final int MODEL = 12;
    static final int FFN = 24;
    static final int VOCABULARY = 19;
    static final int CLASSES = 3;
    private static final int HEAD_SIZE = 4;
    private static final int CONTEXT = 10;

    private boolean learnedPositions() {
        return this == GPT2 || this == OPT || this == ROBERTA;
    }

    private int keyValueHeads() {
        return learnedPositions() ? 3 : 1;
    }

    ModelConfig config() {
        return config(0);
    }

    ModelConfig config(float finalSoftcap) {
        NormSpec norm = new NormSpec(
                learnedPositions() ? NormSpec.Kind.LAYER : NormSpec.Kind.RMS, 1e-3f, this == GEMMA ? 1 : 0);
        NormPlacement placement = switch (this) {
            case GEMMA -> NormPlacement.AROUND;
            case ROBERTA -> NormPlacement.AFTER;
            default -> NormPlacement.BEFORE;
        };
        Activation activation = switch (this) {
            case GPT2, GEMMA -> Activation.GELU_TANH;
            case OPT -> Activation.RELU;
            case ROBERTA -> Activation.GELU;
            default -> Activation.SILU;
        };
        int rope = learnedPositions() ? -1 : 0;
        return new ModelConfig(
                name(),
                MODEL,
                FFN,
                3,
                keyValueHeads(),
                HEAD_SIZE,
                VOCABULARY,
                CONTEXT,
                norm,
                placement,
                activation,
                !learnedPositions(),
                this == GEMMA ? 3.5f : 1,
                this == OPT ? 2 : this == ROBERTA ? 1 : 0,
                rope < 0 ? List.of() : List.of(new ModelConfig.Rope(List.of(1.0, 0.3), 1, RopeSpec.Pairing.HALVES)),
                0.5f,
                this == GEMMA ? 5 : 0,
                finalSoftcap,
                this != ROBERTA,
                this == ROBERTA ? CLASSES : 0,
                List.of(),
                List.of(new ModelConfig.Layer(this == GEMMA ? 3 : 0, rope), new ModelConfig.Layer(0, rope)),
                new ModelConfig.Routing(6, 0.5f));
    }

    /** Normally distributed; norms around 1 (or what is stored for it). */
    WeightValues weights(long seed) {
        return (role, layer) -> {
            int[] shape = shape(role);
            if (shape == null) {
                return null;
            }
            SplittableRandom random = new SplittableRandom(seed + 100L * role.ordinal() + layer);
            float[] values = new float[shape[0] * shape[1]];
            float middle = role.name().endsWith("NORM") && this != GEMMA ? 1 : 0;
            for (int i = 0; i < values.length; i++) {
                values[i] = middle + 0.4f * (float) random.nextGaussian();
            }
            return new Matrix(shape[0], shape[1], values);
        };
    }

    private int @Nullable [] shape(WeightRole role) {
        int keys = keyValueHeads() * HEAD_SIZE;
        boolean biased = learnedPositions();
        return switch (role) {
            case TOKEN_EMBEDDING -> new int[] {VOCABULARY, MODEL};
            case POSITION_EMBEDDING -> biased ? new int[] {CONTEXT + 2, MODEL} : null;
            case TOKEN_TYPE_EMBEDDING, EMBEDDING_NORM, EMBEDDING_NORM_BIAS ->
                this == ROBERTA ? new int[] {1, MODEL} : null;
            case ATTENTION_NORM, FFN_NORM -> new int[] {1, MODEL};
            case ATTENTION_NORM_BIAS, FFN_NORM_BIAS, ATTENTION_OUTPUT_BIAS, DOWN_BIAS ->
                biased ? new int[] {1, MODEL} : null;
            case QUERY, ATTENTION_OUTPUT -> new int[] {MODEL, MODEL};
            case KEY, VALUE -> new int[] {keys, MODEL};
            case QUERY_BIAS -> biased || this == QWEN2 ? new int[] {1, MODEL} : null;
            case KEY_BIAS, VALUE_BIAS -> biased || this == QWEN2 ? new int[] {1, keys} : null;
            case QUERY_NORM, KEY_NORM -> this == QWEN3 || this == GEMMA ? new int[] {1, HEAD_SIZE} : null;
            case POST_ATTENTION_NORM, POST_FFN_NORM -> this == GEMMA ? new int[] {1, MODEL} : null;
            case GATE -> biased ? null : new int[] {FFN, MODEL};
            case UP -> new int[] {FFN, MODEL};
            case UP_BIAS -> biased ? new int[] {1, FFN} : null;
            case DOWN -> new int[] {MODEL, FFN};
            case ROUTER -> new int[] {4, MODEL};
            case FINAL_NORM -> this == ROBERTA ? null : new int[] {1, MODEL};
            case FINAL_NORM_BIAS -> biased && this != ROBERTA ? new int[] {1, MODEL} : null;
            case HEAD -> this == LLAMA ? new int[] {VOCABULARY, MODEL} : null;
            case CLASSIFIER_DENSE -> this == ROBERTA ? new int[] {MODEL, MODEL} : null;
            case CLASSIFIER_DENSE_BIAS -> this == ROBERTA ? new int[] {1, MODEL} : null;
            case CLASSIFIER_OUTPUT -> this == ROBERTA ? new int[] {CLASSES, MODEL} : null;
            case CLASSIFIER_OUTPUT_BIAS -> this == ROBERTA ? new int[] {1, CLASSES} : null;
        };
    }

    /** Sequences of these lengths with random ids and targets, each of which makes up {@code share} of the loss. */
    TrainingBatch batch(long seed, float share, int... lengths) {
        SplittableRandom random = new SplittableRandom(seed);
        int[] starts = new int[lengths.length + 1];
        for (int b = 0; b < lengths.length; b++) {
            starts[b + 1] = starts[b] + lengths[b];
        }
        int rows = starts[lengths.length];
        int[] ids = random.ints(rows, 0, VOCABULARY).toArray();
        boolean classes = this == ROBERTA;
        int outputs = classes ? lengths.length : rows;
        int[] targets = random.ints(outputs, classes ? 0 : -1, classes ? CLASSES : VOCABULARY)
                .toArray();
        float[] weights = new float[outputs];
        for (int i = 0; i < outputs; i++) {
            weights[i] = targets[i] < 0 ? 0 : share;
        }
        return new TrainingBatch(ids, starts, targets, weights, share);
    }
}
