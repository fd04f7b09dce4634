package dev.lte.core.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.Completed;
import dev.lte.GenerationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Progress;
import dev.lte.Sampling;
import dev.lte.SparsityReport;
import dev.lte.SyntheticModel;
import dev.lte.WeightType;
import dev.lte.backend.DType;
import dev.lte.backend.WeightData;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.source.ModelSources;
import dev.lte.core.token.VocabularyTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelSynthesizerTest {
    private static final long SEED = 77;

    @TempDir
    private Path directory;

    private Path write(SyntheticShape shape, WeightType type, double sparsity) {
        Path file = directory.resolve(shape.name() + type + sparsity + ".gguf");
        ModelSynthesizer.write(shape, type, sparsity, SEED, file, progress -> {});
        return file;
    }

    /** 64 experts. */
    private static SyntheticShape small(int layers) {
        return new SyntheticShape("small", 128, 2048, layers, 4, 2, 2000, 512, 10_000, false, false);
    }

    private static SparsityReport sparsity(Model model, int[] prompt, int tokens) {
        return model.generate(GenerationRequest.of(r -> r.promptIds(prompt)
                        .maxTokens(tokens)
                        .sampling(Sampling.greedy())
                        .ignoreEndOfText(true)))
                .ofType(Completed.class)
                .blockLast()
                .sparsity();
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.3, 0.5, 0.8, 0.95})
    void routersLeaveTheWantedShareOfExpertsOff(double wanted) {
        Path file = write(small(2), WeightType.F32, wanted);
        int[] prompt = new Random(SEED).ints(200, 259, 2000).toArray();
        try (Model model = Lte.load(file, LoadOptions.of(o -> o.backend("reference")))) {
            SparsityReport report = sparsity(model, prompt, 1);
            // 200 tokens, 2 layers, 64 experts: a binomial share of 25600 has a deviation of at most 0.0031.
            assertThat(report.mean()).as("seed %d", SEED).isCloseTo(wanted, within(0.01));
            for (double layer : report.perLayer()) {
                assertThat(layer).as("seed %d", SEED).isCloseTo(wanted, within(0.015));
            }
            if (wanted == 0.5) {
                Set<Double> shares = new HashSet<>();
                for (int i = 0; i < 20; i++) {
                    shares.addAll(sparsity(model, new int[] {prompt[i]}, 1).perLayer());
                }
                // Each token and layer has its own share of 64.
                assertThat(shares).as("seed %d", SEED).hasSizeGreaterThan(6);
            }
        }
    }

    @Test
    void deepModelsStayFiniteAndKeepTheirSparsity() {
        Path file = write(small(22), WeightType.Q8_0, 0.7);
        int[] prompt = new Random(SEED).ints(40, 259, 2000).toArray();
        try (Model model = Lte.load(file, LoadOptions.of(o -> o.backend("reference")))) {
            for (float[] row : model.logits(prompt)) {
                for (float logit : row) {
                    assertThat(Float.isFinite(logit) && Math.abs(logit) < 100).isTrue();
                }
            }
            // Part of the prompt, part greedy: a generation that ran in circles would have a share of its own.
            assertThat(sparsity(model, prompt, 20).mean()).as("seed %d", SEED).isCloseTo(0.7, within(0.01));
        }
    }

    @ParameterizedTest
    @EnumSource(WeightType.class)
    void everyTypeHasMeanZeroAndTheWantedDeviation(WeightType type) {
        SyntheticShape shape = new SyntheticShape("wide", 512, 1024, 1, 8, 4, 1000, 64, 10_000, false, false);
        try (ModelSource source = ModelSources.open(write(shape, type, -1))) {
            assertThat(source.config().routing()).isNull();
            WeightData up = source.get(WeightRole.UP, 0);
            assertThat(up.dtype()).isEqualTo(DType.valueOf(type.name()));
            float[] values = Floats.of(up);
            double sum = 0;
            double squares = 0;
            for (float value : values) {
                sum += value;
                squares += (double) value * value;
            }
            double deviation = 1 / Math.sqrt(512);
            // The mean of half a million numbers; blocks of 256 that lean to one side have up to 16 times its
            // deviation.
            assertThat(sum / values.length).isCloseTo(0, within(deviation * 5 * 16 / Math.sqrt(values.length)));
            assertThat(Math.sqrt(squares / values.length)).isCloseTo(deviation, within(0.02 * deviation));
        }
    }

    @Test
    void theSeedAloneDecidesTheBytes() throws IOException {
        Path first = write(small(2), WeightType.Q4_0, 0.5);
        byte[] bytes = Files.readAllBytes(first);
        assertThat(Files.readAllBytes(write(small(2), WeightType.Q4_0, 0.5))).isEqualTo(bytes);
        Path other = directory.resolve("other.gguf");
        ModelSynthesizer.write(small(2), WeightType.Q4_0, 0.5, SEED + 1, other, progress -> {});
        assertThat(Files.readAllBytes(other)).hasSameSizeAs(bytes).isNotEqualTo(bytes);
        try (ModelSource two = ModelSources.open(first);
                ModelSource four = ModelSources.open(write(small(4), WeightType.Q4_0, 0.5))) {
            assertThat(Floats.of(four.get(WeightRole.DOWN, 1))).isEqualTo(Floats.of(two.get(WeightRole.DOWN, 1)));
            assertThat(Floats.of(two.get(WeightRole.DOWN, 1))).isNotEqualTo(Floats.of(two.get(WeightRole.DOWN, 0)));
        }
    }

    @Test
    void textWorks() {
        Path file = write(small(1), WeightType.F16, -1);
        try (ModelSource source = ModelSources.open(file)) {
            VocabularyTokenizer tokenizer = source.tokenizer();
            assertThat(tokenizer.size()).isEqualTo(2000);
            for (String text : List.of("Once upon a time, banana!", "naïve 東京 🙂\n\ttabs", "", "  two  spaces ")) {
                assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
            }
            assertThat(tokenizer.encode("banana", false, false))
                    .as("words are merged")
                    .hasSizeLessThan(4);
            for (int id = 3; id < 2000; id++) {
                assertThat(tokenizer.piece(id)).isNotEmpty();
            }
        }
    }

    @Test
    void shapesAreThoseOfTheRealModels() {
        Path file = directory.resolve("llama-3.2-1b.gguf");
        List<Progress> seen = new ArrayList<>();
        ModelSynthesizer.synthesize(new SyntheticModel("llama-3.2-1b", WeightType.Q4_0, 1, 0.5, 1), file, seen::add);
        try (ModelSource source = ModelSources.open(file)) {
            ModelConfig config = source.config();
            assertThat(List.of(config.model(), config.ffn(), config.heads(), config.keyValueHeads(), config.headSize()))
                    .containsExactly(2048, 8192, 32, 8, 64);
            assertThat(config.vocabulary()).isEqualTo(128_256);
            assertThat(config.contextLength()).isEqualTo(131_072);
            assertThat(config.layers()).hasSize(1);
            assertThat(config.experts()).isEqualTo(256);
            assertThat(source.find(WeightRole.HEAD, 0)).isNull();
            List<Double> angles = config.ropes().getFirst().inverseFrequencies();
            // The slowest pair is stretched in full; its divisor is stored as F32.
            double plain = Math.pow(500_000, -62.0 / 64);
            assertThat(angles.getLast()).isCloseTo(plain / 32, within(1e-7 * plain));
        }
        assertThat(seen.getLast().done()).isEqualTo(seen.getLast().total());
    }

    @Test
    void unknownShapesAreNamedWithTheKnownOnes() {
        SyntheticModel unknown = new SyntheticModel("gpt-5", WeightType.F16, 0, -1, 1);
        assertThatThrownBy(() -> ModelSynthesizer.synthesize(unknown, directory.resolve("x"), progress -> {}))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("tinyllama-1.1b, llama-3.2-1b, llama-2-7b");
    }

    @Test
    void quantilesInvertTheDistribution() {
        assertThat(NormalQuantile.of(0.5)).isCloseTo(0, within(1e-12));
        // Abramowitz and Stegun, table 26.1: the distribution at 1 and at 1.96.
        assertThat(NormalQuantile.of(0.841344746068543)).isCloseTo(1, within(1e-12));
        assertThat(NormalQuantile.of(0.025)).isCloseTo(-1.959963984540054, within(1e-12));
        assertThat(ModelSynthesizer.threshold(0.5)).isEqualTo(0.5f);
        assertThat(ModelSynthesizer.threshold(0)).isBetween(1e-6f, 0.01f);
    }
}
