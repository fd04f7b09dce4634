package dev.lte.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Evaluation, sparsifying and plots with the story model, which is the default. */
class EvaluationCommandsTest {
    private static final String STORY =
            "Once upon a time, there was a little boy named Tim. Tim loved to eat yummy food."
                    + " One day, he went to the park with his mom. They saw a big dog. \"Can I pet the dog?\" asked Tim.\n";

    @TempDir
    private Path folder;

    @Test
    void evalSparsifyAndPlotWorkTogether() throws IOException {
        Path text = Files.writeString(folder.resolve("story.txt"), STORY.repeat(20));
        Path sparse = folder.resolve("sparse.gguf");
        JsonNode dense = Run.lte("eval", "--task", "text", "--data", text.toString(), "--backend", "cpu", "--json")
                .json();
        assertThat(dense.get("sparsity").doubleValue()).isZero();
        assertThat(dense.get("perplexity").doubleValue()).isGreaterThan(1);
        assertThat(dense.get("natsPerCharacter").doubleValue()).isPositive();
        // 2 layers of D 128, F 384, 8 heads of 16, 4 for keys and values.
        assertThat(dense.get("flopsPerToken").doubleValue())
                .isEqualTo(2 * 2 * (128 * (2 * 128 + 2 * 64) + 3 * 128 * 384));

        Run written = Run.lte(
                "sparsify",
                "--out",
                sparse.toString(),
                "--sparsity",
                "0.5",
                "--calibration",
                text.toString(),
                "--calibration-tokens",
                "1024",
                "--json");
        assertThat(written.json().get("sparsity").doubleValue()).isCloseTo(0.5, within(0.08));
        assertThat(Run.lte("sparsify", "--out", sparse.toString()).exitCode()).isEqualTo(2);

        Run routed =
                Run.lte("eval", "--model", sparse.toString(), "--task", "text", "--data", text.toString(), "--json");
        assertThat(routed.json().get("sparsity").doubleValue()).isCloseTo(0.5, within(0.08));
        assertThat(routed.json().get("sparsityPerLayer").size()).isEqualTo(2);
        Run all = Run.lte(
                "eval", "--model", sparse.toString(), "--dense", "--task", "text", "--data", text.toString(), "--json");
        double expected = dense.get("perplexity").doubleValue();
        assertThat(all.json().get("perplexity").doubleValue()).isCloseTo(expected, within(1e-3 * expected));

        Path results = Files.write(folder.resolve("results.jsonl"), List.of(dense.toString(), routed.out()));
        for (String name : List.of("plot.png", "plot.svg")) {
            Path picture = folder.resolve(name);
            Run plot = Run.lte("plot", "LTE=" + results, "--out", picture.toString(), "--title", "Stories");
            assertThat(plot.exitCode()).as(plot.err()).isZero();
            assertThat(plot.out()).contains("| LTE | 0.0 % | 0.786 |").contains("perplexity");
            if (name.endsWith(".png")) {
                assertThat(ImageIO.read(picture.toFile()).getWidth()).isGreaterThanOrEqualTo(900);
            } else {
                assertThat(Files.readString(picture)).startsWith("<?xml").contains("<svg", "<ellipse");
            }
        }
    }

    @Test
    void e2eGivesTheFieldsThatToolsReadAndTheTexts() throws IOException {
        Path data = Files.writeString(folder.resolve("e2e.csv"), """
                mr,ref
                "name[Tim], likes[dog]",Tim has a big dog.
                "name[Lily], likes[cat]",Lily had a cat.
                """);
        Path outputs = folder.resolve("outputs.txt");
        JsonNode json = Run.lte(
                        "eval",
                        "--task",
                        "e2e",
                        "--data",
                        data.toString(),
                        "--max-tokens",
                        "8",
                        "--outputs",
                        outputs.toString(),
                        "--routing",
                        "largest_activations",
                        "--sparsity",
                        "0.25",
                        "--json")
                .json();
        for (String field : List.of("bleu", "rougeL", "natsPerCharacter", "flopsPerToken", "tokens", "seconds")) {
            assertThat(json.get(field).isNumber()).as(field).isTrue();
        }
        assertThat(json.get("sparsity").doubleValue()).isEqualTo(0.25);
        assertThat(Files.readAllLines(outputs)).hasSize(2);
    }

    @Test
    void whatDoesNotFitIsExplained() {
        Run missing = Run.lte("eval", "--task", "text", "--data", "nothing-there.txt");
        assertThat(missing.exitCode()).isEqualTo(2);
        assertThat(missing.err()).contains("--data", "nothing-there.txt");
        Run results = Run.lte("plot", "nothing-there.jsonl");
        assertThat(results.exitCode()).isEqualTo(1);
        assertThat(results.err()).contains("nothing-there.jsonl");
    }
}
