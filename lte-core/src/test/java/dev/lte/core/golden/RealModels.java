package dev.lte.core.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lte.Completed;
import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.ModelFiles;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import dev.lte.WeightType;
import dev.lte.core.io.JsonView;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Small models that somebody trained, against what other implementations compute from them. Extended for each backend. */
public abstract class RealModels {
    @TempDir
    Path temporary;

    /** Name of the backend under test. */
    protected abstract String backend();

    private Model load(Path model) {
        return Lte.load(model, LoadOptions.of(o -> o.backend(backend())));
    }

    private Path resource(String name) throws IOException {
        return Resources.folder("/dev/lte/core/" + name, temporary);
    }

    private static JsonView json(Path file) throws IOException {
        return JsonView.parse(Files.readAllBytes(file), file, "golden");
    }

    private static List<Integer> integers(JsonView array) {
        return array.elements().stream().map(JsonView::integer).toList();
    }

    private static List<GenerationEvent> greedy(Model model, List<Integer> prompt, int tokens) {
        List<GenerationEvent> events = model.generate(GenerationRequest.of(
                        r -> r.promptIds(prompt).maxTokens(tokens).sampling(Sampling.greedy())))
                .collectList()
                .block();
        assertThat(events).isNotNull();
        return events;
    }

    private static List<Integer> ids(List<GenerationEvent> events) {
        return events.stream()
                .filter(TextDelta.class::isInstance)
                .flatMap(event -> ((TextDelta) event).tokenIds().stream())
                .toList();
    }

    private static String text(List<GenerationEvent> events) {
        StringBuilder text = new StringBuilder();
        for (GenerationEvent event : events) {
            if (event instanceof TextDelta delta) {
                text.append(delta.text());
            }
        }
        return text.toString();
    }

    @Test
    void stories260KTellsWhatLlama2cTells() throws IOException {
        Path folder = resource("stories260K");
        try (Model model = load(folder.resolve("stories260K.bin"))) {
            // run.c begins with the begin-of-text token, and prints a token in each of its 200 steps.
            List<GenerationEvent> events = greedy(model, List.of(1), 200);

            assertThat(text(events)).isEqualTo(Files.readString(folder.resolve("expected_t0_n200.txt")));
        }
    }

    @Test
    void stories260KContinuesAPromptByTheGoldenIds() throws IOException {
        Path folder = resource("stories260K");
        JsonView golden = json(folder.resolve("golden_prompt_t0_n64.json"));
        List<Integer> prompt = integers(golden.get("prompt_ids"));
        List<Integer> all = integers(golden.get("ids"));
        // The golden ids repeat the prompt without its begin-of-text token.
        List<Integer> expected = all.subList(prompt.size() - 1, all.size());
        try (Model model = load(folder.resolve("stories260K.bin"))) {
            assertThat(model.tokenizer().encode(golden.get("prompt").text()))
                    .containsExactly(prompt.stream().mapToInt(id -> id).toArray());
            assertThat(ids(greedy(model, prompt, expected.size()))).isEqualTo(expected);
        }
    }

    @Test
    void tinyStoriesContinuesByTheGoldenIdsInEveryExactFormat() throws IOException {
        Path story = Path.of("..", "examples", "models", "tinystories-656k.gguf");
        JsonView golden = json(resource("token/tinystories-656k").resolve("golden_greedy.json"))
                .get("tinystories-656k-bf16");
        List<Integer> prompt = integers(golden.get("prompt_ids"));
        List<Integer> expected = integers(golden.get("greedy_ids"));
        Path floats = temporary.resolve("f32.gguf");
        ModelFiles.convert(story, floats, WeightType.F32, progress -> {});
        for (Path file : List.of(story, floats)) {
            try (Model model = load(file)) {
                List<GenerationEvent> events = greedy(model, prompt, expected.size());

                assertThat(ids(events)).as("%s", file).isEqualTo(expected);
                assertThat(golden.get("text").text()).endsWith(text(events));
                assertThat(events.getLast()).isInstanceOf(Completed.class);
            }
        }
    }

    @Test
    void aTrainedGpt2HasTheLogitsOfOnnxRuntime() throws IOException {
        Path folder = resource("capp-gpt2");
        try (Model model = load(folder)) {
            for (JsonView example :
                    json(folder.resolve("golden_logits.json")).get("cases").elements()) {
                int[] ids = integers(example.get("input_ids")).stream()
                        .mapToInt(id -> id)
                        .toArray();
                float[] last = model.logits(ids)[ids.length - 1];
                List<JsonView> expected = example.get("last_logits").elements();
                assertThat(last).hasSize(expected.size());
                for (int i = 0; i < last.length; i++) {
                    // Both sum in F32, in other orders, over four layers.
                    assertThat((double) last[i])
                            .as("logit %d", i)
                            .isCloseTo(expected.get(i).real(), within(1e-4));
                }
            }
        }
    }
}
