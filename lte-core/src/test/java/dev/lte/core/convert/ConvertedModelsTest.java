package dev.lte.core.convert;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.Classifier;
import dev.lte.GenerationRequest;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import dev.lte.WeightType;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.source.Fixtures;
import dev.lte.core.source.ModelSources;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A converted model computes what the original does. */
class ConvertedModelsTest {
    /**
     * Logits are of the order of 1. The same numbers are summed in F32, query and key columns in another order, and angles come
     * from bases and divisors in F32.
     */
    private static final float TOLERANCE = 2e-5f;

    private static final long SEED = 21;

    @TempDir
    private Path directory;

    static Stream<String> withWeights() {
        return Fixtures.withWeights().stream();
    }

    @ParameterizedTest
    @MethodSource("withWeights")
    void logitsStayThroughGgufAndBackToTheHub(String family) {
        Path gguf = directory.resolve("model.gguf");
        Path hub = directory.resolve("hub");
        boolean classifies;
        try (ModelSource source = ModelSources.open(Fixtures.directory(family))) {
            classifies = source.config().classes() > 0;
            ModelConverter.convert(source, gguf, WeightType.F32, progress -> {});
        }
        try (ModelSource source = ModelSources.open(gguf)) {
            HubDirectoryWriter.write(source, hub, WeightType.F32, progress -> {});
        }
        int[] ids = new Random(SEED).ints(40, 3, 512).toArray();
        float[][] expected = logits(Fixtures.directory(family), ids, classifies);
        assertClose(expected, logits(gguf, ids, classifies), "GGUF");
        assertClose(expected, logits(hub, ids, classifies), "hub");
    }

    @Test
    void aStoryStaysTheSameThroughGguf() throws IOException {
        Path folder = Fixtures.resource("stories260K");
        Path gguf = directory.resolve("stories.gguf");
        try (ModelSource source = ModelSources.open(folder.resolve("stories260K.bin"))) {
            ModelConverter.convert(source, gguf, WeightType.F32, progress -> {});
        }
        StringBuilder story = new StringBuilder();
        try (Model model = Lte.load(gguf, LoadOptions.of(o -> o.backend("reference")))) {
            model.generate(GenerationRequest.of(
                            r -> r.promptIds(1).maxTokens(200).sampling(Sampling.greedy())))
                    .ofType(TextDelta.class)
                    .doOnNext(delta -> story.append(delta.text()))
                    .blockLast();
        }
        assertThat(story.toString()).isEqualTo(Files.readString(folder.resolve("expected_t0_n200.txt")));
    }

    private static float[][] logits(Path path, int[] ids, boolean classifies) {
        LoadOptions options = LoadOptions.of(o -> o.backend("reference"));
        if (classifies) {
            try (Classifier model = Lte.loadClassifier(path, options)) {
                return new float[][] {model.logits(ids)};
            }
        }
        try (Model model = Lte.load(path, options)) {
            return model.logits(ids);
        }
    }

    private static void assertClose(float[][] expected, float[][] found, String format) {
        assertThat(found.length).isEqualTo(expected.length);
        for (int row = 0; row < expected.length; row++) {
            for (int i = 0; i < expected[row].length; i++) {
                assertThat(Math.abs(found[row][i] - expected[row][i]))
                        .as("seed %d, %s, logit %d of token %d", SEED, format, i, row)
                        .isLessThanOrEqualTo(TOLERANCE);
            }
        }
    }
}
