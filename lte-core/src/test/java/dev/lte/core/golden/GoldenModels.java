package dev.lte.core.golden;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.Classifier;
import dev.lte.GenerationRequest;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import dev.lte.core.format.safetensors.SafetensorsFile;
import dev.lte.core.layer.HiddenStates;
import dev.lte.core.source.ModelSources;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every checkpoint of a folder against what Hugging Face transformers computed from it in F32: hidden states, logits, and 24
 * greedily chosen tokens. The folder is given by the system property {@code lte.fixtures}; without it, the project's own
 * copies are used. To be extended by a test of each backend.
 */
public abstract class GoldenModels {
    /**
     * Largest difference of a logit or hidden state, absolute; they are of the order of 1. Both sides sum in F32, in other
     * orders, over three layers.
     */
    private static final float TOLERANCE = 1e-4f;

    /**
     * Where attention scores are capped (Gemma 2): the attention that made the goldens leaves the cap out, which moves a score s
     * by about s^3 / (3 cap^2). With the cap set to none, our states are within 4e-6 of them.
     */
    private static final float CAPPED_TOLERANCE = 2e-4f;

    @TempDir
    Path temporary;

    /** Name of the backend under test. */
    protected abstract String backend();

    /** Largest difference of a logit or hidden state. A backend that rounds more says why. */
    protected float tolerance(ModelConfig config) {
        return config.attentionSoftcap() > 0 ? CAPPED_TOLERANCE : TOLERANCE;
    }

    @TestFactory
    final List<DynamicTest> checkpointsComputeWhatTheReferenceComputed() throws IOException {
        String given = System.getProperty("lte.fixtures");
        Path folder = given == null ? Resources.folder("/dev/lte/core/fixtures/hf", temporary) : Path.of(given);
        try (Stream<Path> entries = Files.list(folder)) {
            List<Path> models = entries.filter(model -> Files.exists(model.resolve("golden.safetensors")))
                    .sorted()
                    .toList();
            assertThat(models)
                    .as("checkpoints with a golden.safetensors in %s", folder)
                    .isNotEmpty();
            return models.stream()
                    .map(model -> DynamicTest.dynamicTest(model.getFileName().toString(), () -> check(model)))
                    .toList();
        }
    }

    private void check(Path directory) {
        LoadOptions options = LoadOptions.of(o -> o.backend(backend()));
        try (TensorFile golden = SafetensorsFile.open(directory.resolve("golden.safetensors"))) {
            ModelConfig config = checkHidden(directory, golden);
            float tolerance = tolerance(config);
            if (config.classes() > 0) {
                try (Classifier model = Lte.loadClassifier(directory, options)) {
                    assertThat(model.info().backend()).isEqualTo(backend());
                    for (String input : List.of("short", "long")) {
                        float[] logits = model.logits(integers(golden, input + ".input_ids"));
                        compare(input + ".logits", new float[][] {logits}, golden, tolerance);
                    }
                }
            } else {
                try (Model model = Lte.load(directory, options)) {
                    assertThat(model.info().backend()).isEqualTo(backend());
                    for (String input : List.of("short", "long")) {
                        int[] ids = integers(golden, input + ".input_ids");
                        compare(input + ".logits", model.logits(ids), golden, tolerance);
                        assertThat(greedy(model, ids))
                                .as("%s.greedy", input)
                                .containsExactly(integers(golden, input + ".greedy"));
                    }
                }
            }
        }
    }

    private ModelConfig checkHidden(Path directory, TensorFile golden) {
        BackendProvider provider = ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(candidate -> candidate.name().equals(backend()))
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no backend " + backend()));
        try (ModelSource source = ModelSources.open(directory);
                Backend opened = provider.open(BackendOptions.defaults())) {
            List<float[]> states = HiddenStates.of(source, opened, integers(golden, "short.input_ids"));
            for (int i = 0; golden.find("short.hidden." + i) != null; i++) {
                compare("short.hidden." + i, new float[][] {states.get(i)}, golden, tolerance(source.config()));
            }
            return source.config();
        }
    }

    private static int[] greedy(Model model, int[] ids) {
        List<Integer> tokens = model.generate(GenerationRequest.of(r -> r.promptIds(ids)
                        .maxTokens(24)
                        .sampling(Sampling.greedy())
                        .ignoreEndOfText(true)))
                .ofType(TextDelta.class)
                .flatMapIterable(TextDelta::tokenIds)
                .collectList()
                .block();
        return tokens == null
                ? new int[0]
                : tokens.stream().mapToInt(Integer::intValue).toArray();
    }

    private static void compare(String name, float[][] found, TensorFile golden, float tolerance) {
        TensorInfo tensor = golden.find(name);
        assertThat(tensor).as(name).isNotNull();
        float[] expected =
                golden.bytes(tensor).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
        int columns = found[0].length;
        assertThat((long) found.length * columns)
                .as("%s, number of values", name)
                .isEqualTo(expected.length);
        float worst = 0;
        int at = 0;
        for (int i = 0; i < expected.length; i++) {
            float difference = Math.abs(found[i / columns][i % columns] - expected[i]);
            if (!(difference <= worst)) {
                worst = difference;
                at = i;
            }
        }
        assertThat(worst)
                .as(
                        "%s[%d][%d]: expected %s, found %s",
                        name, at / columns, at % columns, expected[at], found[at / columns][at % columns])
                .isLessThanOrEqualTo(tolerance);
    }

    private static int[] integers(TensorFile golden, String name) {
        TensorInfo tensor = golden.find(name);
        assertThat(tensor).as(name).isNotNull();
        return IntStream.of(
                        golden.bytes(tensor).toArray(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN)))
                .toArray();
    }
}
