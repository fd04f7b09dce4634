package dev.lte.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TrainCommandTest {
    private static final String CONFIG = """
            model: {family: llama, model: 16, ffn: 32, layers: 1, heads: 2, vocabulary: 280, contextLength: 24}
            data: {format: jsonl, train: train.jsonl, development: train.jsonl}
            maxTokens: 24
            expertSize: 8
            backend: reference
            reportEvery: 2
            stages:
              - {routing: dense, steps: 4, batch: 4, rate: 1.0e-2}
              - {routing: learned, recipe: straight_through, steps: 4, batch: 4, rate: 1.0e-2, eta: 0.1}
              - {routing: hard, steps: 2, batch: 4, rate: 1.0e-2}
            """;

    @TempDir
    Path temporary;

    private Path config = Path.of("");
    private Path folder = Path.of("");

    @BeforeEach
    void files() throws IOException {
        List<String> lines = IntStream.range(0, 12)
                .mapToObj(i -> "{\"prompt\":\"what is " + i + "?\",\"completion\":\" it is " + i + "\"}")
                .toList();
        Files.write(temporary.resolve("train.jsonl"), lines);
        config = Files.writeString(temporary.resolve("small.yaml"), CONFIG);
        folder = temporary.resolve("run");
    }

    private Run train(String... more) {
        List<String> args = new ArrayList<>(List.of("train", config.toString(), "--out", folder.toString()));
        args.addAll(List.of(more));
        return Run.lte(args.toArray(String[]::new));
    }

    @Test
    void leavesAFolderWithAllThatIsNeededToRepeatTheRun() throws IOException {
        JsonNode last = train("--set", "stages.2.steps=3", "--json").json();

        assertThat(last.get("model").stringValue())
                .isEqualTo(folder.resolve("model.gguf").toString());
        assertThat(last.get("step").asInt()).isEqualTo(11);
        assertThat(Files.readString(folder.resolve("config.yaml")))
                .contains("steps: 3", temporary.resolve("train.jsonl").toString());
        assertThat(Files.readString(folder.resolve("run.json"))).contains("sha256:", "java");
        List<JsonNode> events = events();
        assertThat(events.stream()
                        .filter(event -> is(event, "Step"))
                        .map(step -> step.get("step").asInt()))
                .containsExactlyElementsOf(IntStream.rangeClosed(1, 11).boxed().toList());
        assertThat(events.stream().filter(event -> is(event, "StageStarted"))).hasSize(3);
        Run generated = Run.lte(
                "generate",
                "--model",
                folder.resolve("model.gguf").toString(),
                "-p",
                "what is 3?",
                "-n",
                "2",
                "--json");
        assertThat(generated.json().get("sparsity").get("perLayer").size()).isEqualTo(1);
    }

    private List<JsonNode> events() throws IOException {
        return Files.readAllLines(folder.resolve("events.jsonl")).stream()
                .map(JsonMapper.shared()::readTree)
                .toList();
    }

    private static boolean is(JsonNode event, String kind) {
        return event.get("event").stringValue().equals(kind);
    }

    @Test
    void aRunIsResumedFromItsFolderAlone() throws IOException {
        assertThat(train().exitCode()).isZero();
        byte[] model = Files.readAllBytes(folder.resolve("model.gguf"));
        // As if it had been killed: the last checkpoint is gone, the events end within a line.
        Path newest;
        try (Stream<Path> files = Files.list(folder.resolve("checkpoints"))) {
            newest = files.filter(file -> file.getFileName().toString().startsWith("step-"))
                    .max(Path::compareTo)
                    .orElseThrow();
        }
        Files.delete(newest);
        Files.delete(folder.resolve("model.gguf"));
        Files.writeString(
                folder.resolve("events.jsonl"), Files.readString(folder.resolve("events.jsonl")) + "{\"event\":\"Ste");

        Run resumed = Run.lte("train", "--resume", folder.toString());

        assertThat(resumed.exitCode()).as(resumed.err()).isZero();
        assertThat(resumed.err()).contains("resumed behind step 8");
        assertThat(Files.readAllBytes(folder.resolve("model.gguf"))).isEqualTo(model);
        assertThat(events().stream()
                        .filter(event -> is(event, "Step"))
                        .map(step -> step.get("step").asInt()))
                .containsExactlyElementsOf(IntStream.rangeClosed(1, 10).boxed().toList());
    }

    @Test
    void aFolderWithARunIsNotUsedForAnother() {
        assertThat(train().exitCode()).isZero();
        Run second = train();
        assertThat(second.exitCode()).isEqualTo(LteCommand.WRONG_OPTIONS);
        assertThat(second.err()).contains("has a run already", "--resume");
    }

    @Test
    void keysThatAreNotKnownAreNamedWithTheirPlace() throws IOException {
        Files.writeString(config, CONFIG.replace("rate: 1.0e-2, eta", "rat: 1.0e-2, eta"));
        Run run = train();
        assertThat(run.exitCode()).isEqualTo(LteCommand.WRONG_OPTIONS);
        assertThat(run.err()).contains("stages.1", "'rat'", "rate");
        assertThat(folder).doesNotExist();
    }

    @Test
    void valuesThatDoNotDoAreNamed() {
        assertThat(train("--set", "stages.1.recipe=rump").err()).contains("stages.1.recipe");
        assertThat(train("--set", "stages.0.eta=1").err()).contains("eta", "routers learn");
        assertThat(train("--set", "stages.7.eta=1").err()).contains("--set", "stages.7.eta");
        assertThat(train("--set", "threshold=1.5").err()).contains("threshold", "between 0 and 1");
        assertThat(train("--set", "nothing").err()).contains("key=value");
        assertThat(folder).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"k_means", "co_activation"})
    void aGroupedModelComputesWhatItComputedBefore(String method) {
        String grouped = temporary.resolve("grouped.gguf").toString();
        String story = Path.of(System.getProperty("lte.examples.models"), "tinystories-656k.gguf")
                .toString();
        Run run = Run.lte("group", story, grouped, "--method", method, "--json");
        assertThat(run.json().get("experts").asInt()).isEqualTo(12);
        assertThat(run.json().get("objectives").size()).isEqualTo(2);
        List<String> texts = Stream.of(story, grouped)
                .map(model -> Run.lte("generate", "-m", model, "-n", "12", "--temperature", "0", "--json")
                        .json()
                        .get("text")
                        .stringValue())
                .toList();
        assertThat(texts.get(1)).isEqualTo(texts.get(0));
    }

    @Test
    void textToCountCoActivationsOnIsForThatMethodAlone() {
        String story = Path.of(System.getProperty("lte.examples.models"), "tinystories-656k.gguf")
                .toString();
        Run run = Run.lte("group", story, temporary.resolve("g.gguf").toString(), "--calibration", config.toString());
        assertThat(run.exitCode()).isEqualTo(LteCommand.WRONG_OPTIONS);
        assertThat(run.err()).contains("calibration", "weights alone", "K_MEANS");
    }
}
