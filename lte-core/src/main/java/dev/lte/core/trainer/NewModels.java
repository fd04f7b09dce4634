package dev.lte.core.trainer;

import static dev.lte.core.arch.WeightRole.*;

import dev.lte.backend.Activation;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec.Pairing;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Layer;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.arch.ModelConfig.Rope;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.data.Example;
import dev.lte.core.data.ExampleReader;
import dev.lte.core.data.ExampleSource;
import dev.lte.core.source.RopeFrequencies;
import dev.lte.core.source.WeightShapes;
import dev.lte.core.token.BpeTrainer;
import dev.lte.core.token.TokenizerLoader;
import dev.lte.core.token.VocabularyTokenizer;
import dev.lte.core.train.Matrix;
import dev.lte.train.StartingPoint.NewModel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Models of the Llama, GPT-2 and RoBERTa families with random weights, N(0, 0.02²), and a tokenizer that is learnt from text. */
final class NewModels {
    private static final float EPSILON = 1e-5f;
    private static final double THETA = 10_000;
    private static final double DEVIATION = 0.02;

    /** Rows of position embeddings in front of the first position's: RoBERTa counts from behind the id of padding. */
    private static final int ROBERTA_OFFSET = 2;

    private static final Set<WeightRole> LLAMA = EnumSet.of(
            TOKEN_EMBEDDING, ATTENTION_NORM, QUERY, KEY, VALUE, ATTENTION_OUTPUT, FFN_NORM, GATE, UP, DOWN, FINAL_NORM);
    /** Of a layer in which every map and norm has a bias. */
    private static final Set<WeightRole> BIASED_LAYER = EnumSet.of(
            ATTENTION_NORM,
            ATTENTION_NORM_BIAS,
            QUERY,
            QUERY_BIAS,
            KEY,
            KEY_BIAS,
            VALUE,
            VALUE_BIAS,
            ATTENTION_OUTPUT,
            ATTENTION_OUTPUT_BIAS,
            FFN_NORM,
            FFN_NORM_BIAS,
            UP,
            UP_BIAS,
            DOWN,
            DOWN_BIAS);

    private static final Set<WeightRole> GPT2 =
            withBiasedLayers(TOKEN_EMBEDDING, POSITION_EMBEDDING, FINAL_NORM, FINAL_NORM_BIAS);
    private static final Set<WeightRole> ROBERTA = withBiasedLayers(
            TOKEN_EMBEDDING,
            POSITION_EMBEDDING,
            TOKEN_TYPE_EMBEDDING,
            EMBEDDING_NORM,
            EMBEDDING_NORM_BIAS,
            CLASSIFIER_DENSE,
            CLASSIFIER_DENSE_BIAS,
            CLASSIFIER_OUTPUT,
            CLASSIFIER_OUTPUT_BIAS);

    private NewModels() {}

    private static Set<WeightRole> withBiasedLayers(WeightRole first, WeightRole... rest) {
        EnumSet<WeightRole> roles = EnumSet.of(first, rest);
        roles.addAll(BIASED_LAYER);
        return roles;
    }

    /**
     * @param data what the tokenizer learns from
     * @param about for messages
     */
    static ModelSource create(NewModel shape, ExampleSource data, long seed, Path about) {
        VocabularyTokenizer tokenizer = tokenizer(shape, data);
        ModelConfig config = config(shape, tokenizer.size());
        Set<WeightRole> roles = switch (shape.family()) {
            case "llama" -> LLAMA;
            case "gpt2" -> GPT2;
            default -> ROBERTA;
        };
        return new TrainedSource(
                about,
                shape.family() + " trained from scratch",
                config,
                tokenizer,
                null,
                Map.of(),
                (role, layer) -> roles.contains(role) ? weight(role, layer, config, seed) : null);
    }

    private static VocabularyTokenizer tokenizer(NewModel shape, ExampleSource data) {
        BpeTrainer trainer = new BpeTrainer(
                switch (shape.family()) {
                    case "llama" -> BpeTrainer.Special.LLAMA;
                    case "gpt2" -> BpeTrainer.Special.GPT_2;
                    default -> BpeTrainer.Special.ROBERTA;
                });
        try (ExampleReader reader = data.open()) {
            for (Example example = reader.next(); example != null; example = reader.next()) {
                switch (example) {
                    case Example.Text text -> trainer.add(text.text());
                    case Example.Completion completion -> {
                        trainer.add(completion.prompt());
                        trainer.add(completion.completion());
                    }
                    case Example.Labelled labelled -> {
                        trainer.add(labelled.first());
                        addIfPresent(trainer, labelled.second());
                    }
                }
            }
        }
        return TokenizerLoader.fromMetadata(trainer.train(shape.vocabulary()));
    }

    private static void addIfPresent(BpeTrainer trainer, @Nullable String text) {
        if (text != null) {
            trainer.add(text);
        }
    }

    private static ModelConfig config(NewModel shape, int vocabulary) {
        boolean llama = shape.family().equals("llama");
        boolean encoder = shape.family().equals("roberta");
        int headSize = shape.model() / shape.heads();
        List<Double> frequencies =
                Arrays.stream(RopeFrequencies.plain(THETA, headSize)).boxed().toList();
        return new ModelConfig(
                shape.family(),
                shape.model(),
                shape.ffn(),
                shape.heads(),
                shape.keyValueHeads(),
                headSize,
                vocabulary,
                shape.contextLength(),
                new NormSpec(llama ? NormSpec.Kind.RMS : NormSpec.Kind.LAYER, EPSILON, 0),
                encoder ? NormPlacement.AFTER : NormPlacement.BEFORE,
                llama ? Activation.SILU : encoder ? Activation.GELU : Activation.GELU_TANH,
                llama,
                1,
                encoder ? ROBERTA_OFFSET : 0,
                llama ? List.of(new Rope(frequencies, 1, Pairing.ADJACENT)) : List.of(),
                (float) (1 / Math.sqrt(headSize)),
                0,
                0,
                !encoder,
                shape.labels().size(),
                shape.labels(),
                Collections.nCopies(shape.layers(), new Layer(0, llama ? 0 : -1)),
                null);
    }

    private static Matrix weight(WeightRole role, int layer, ModelConfig config, long seed) {
        List<Long> shape = WeightShapes.of(role, config);
        // Token types leave their number open; there is one.
        int rows = Math.max(1, Math.toIntExact(shape.get(0)));
        int columns = Math.toIntExact(shape.get(1));
        float[] values = new float[Math.multiplyExact(rows, columns)];
        if (!WeightShapes.isVector(role)) {
            // Of its own for every tensor, so that more layers leave the first ones as they are.
            SplittableRandom random =
                    new SplittableRandom(seed * 0x9E3779B97F4A7C15L + role.ordinal() * 1_000_003L + layer);
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (DEVIATION * random.nextGaussian());
            }
        } else if (!role.name().endsWith("_BIAS")) {
            Arrays.fill(values, 1);
        }
        return new Matrix(rows, columns, values);
    }
}
