package dev.lte.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ExperimentCommandTest {
    private static final String DENSE = """
            model: {family: llama, model: 16, ffn: 32, layers: 1, heads: 2, vocabulary: 280, contextLength: 24}
            data: {format: text, train: stories.txt}
            maxTokens: 24
            expertSize: 8
            stages:
              - {routing: dense, steps: 3, batch: 4, rate: 1.0e-2}
            """;

    private static final String ROUTED = DENSE + """
              - {routing: learned, steps: 3, batch: 4, rate: 1.0e-2, eta: 0.1}
              - {routing: hard, steps: 2, batch: 4, rate: 1.0e-2}
            """;

    private static final String SUITE = """
            about: A small one.
            task: text
            data: stories.txt
            seeds: [0, 1]
            runs:
              - {label: dense, train: dense.yaml}
              - {label: routed-0.1, train: routed.yaml, set: [stages.0.steps=4]}
            baselines:
              - {of: dense, routing: largest_activations, sparsities: [0.5]}
            dials:
              - {of: routed-0.1, thresholds: [0.9999]}
            """;

    @TempDir
    private Path folder;

    private Path out = Path.of("");

    @BeforeEach
    void files() throws IOException {
        Files.writeString(
                folder.resolve("stories.txt"), "Once there was a dog. It ran to the tree and sat down.\n\n".repeat(12));
        Files.writeString(folder.resolve("dense.yaml"), DENSE);
        Files.writeString(folder.resolve("routed.yaml"), ROUTED);
        Files.writeString(folder.resolve("suite.yaml"), SUITE);
        out = folder.resolve("out");
    }

    private Run experiment(String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "experiment",
                folder.resolve("suite.yaml").toString(),
                "--data",
                folder.toString(),
                "--backend",
                "reference",
                "--out",
                out.toString()));
        arguments.addAll(List.of(more));
        return Run.lte(arguments.toArray(String[]::new));
    }

    @Test
    void trainsJudgesAndComparesAndDoesNothingTwice() throws IOException {
        Run first = experiment("--seeds", "0");
        assertThat(first.exitCode()).as(first.err()).isZero();
        assertThat(results())
                .extracting(line -> line.get("label").stringValue())
                .containsExactly("dense", "largest_activations-0.5", "routed-0.1", "routed-0.1-tau-0.9999");
        assertThat(results().get(3).get("sparsity").doubleValue())
                .isGreaterThanOrEqualTo(results().get(2).get("sparsity").doubleValue());
        assertThat(Files.readString(out.resolve("routed-0.1-0/config.yaml"))).contains("steps: 4");

        Run all = experiment();
        assertThat(all.exitCode()).as(all.err()).isZero();
        assertThat(all.err()).contains("dense-1").doesNotContain("dense-0");
        assertThat(results()).hasSize(8);
        assertThat(Files.readString(out.resolve("results.md"))).contains("A small one.", "| dense | 2 | 0.0 % |");
        assertThat(Files.readString(out.resolve("results.svg"))).contains("<svg");
    }

    @Test
    void comparesEncodersThatClassify() throws IOException {
        String dense = DENSE.replace("family: llama", "family: roberta")
                .replace("24}", "24, labels: [bad, good]}")
                .replace("format: text, train: stories.txt", "format: tsv, train: films.tsv");
        Files.writeString(folder.resolve("dense.yaml"), dense);
        Files.writeString(folder.resolve("routed.yaml"), ROUTED.replace(DENSE, dense));
        Files.writeString(
                folder.resolve("films.tsv"),
                "sentence\tlabel\n" + "a fine film\t1\nno fun at all\t0\nthe very best of them\t1\n".repeat(6));
        Files.writeString(
                folder.resolve("suite.yaml"),
                SUITE.replace("task: text", "task: classify")
                        .replace("data: stories.txt", "data: films.tsv\ncalibration: films.tsv\nexpertSize: 8")
                        .replace("[stages.0.steps=4]", "['stages.2.thresholdRange=[0.4, 0.6]']")
                        .replace("largest_activations", "moefication"));
        // 32 neurons, the default of an expert of a baseline, would not divide it.
        Run run = experiment("--seeds", "0", "--set", "model.ffn=80");
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(results())
                .extracting(line -> line.get("label").stringValue())
                .containsExactly("dense", "moefication-0.5", "routed-0.1", "routed-0.1-tau-0.9999");
        assertThat(results().get(1).get("sparsity").doubleValue()).isEqualTo(0.5);
        assertThat(Files.readString(out.resolve("results.md"))).contains("accuracy", "f1");
        assertThat(Files.readString(out.resolve("routed-0.1-0/config.yaml"))).contains("- 0.4\n", "- 0.6\n");
    }

    @Test
    void saysWhatIsWrongWithASuite() throws IOException {
        Files.writeString(folder.resolve("suite.yaml"), SUITE.replace("of: dense", "of: nobody"));
        Run run = experiment();
        assertThat(run.exitCode()).isEqualTo(LteCommand.WRONG_OPTIONS);
        assertThat(run.err()).contains("nobody", "dense");
    }

    private List<JsonNode> results() throws IOException {
        return Files.readAllLines(out.resolve("results.jsonl")).stream()
                .map(JsonMapper.shared()::readTree)
                .toList();
    }
}
