package dev.lte.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResultPointTest {
    @TempDir
    private Path folder;

    @Test
    void seedsOfARunAreOnePointAndResultsWithoutALabelStandAlone() throws IOException {
        Path file = Files.writeString(folder.resolve("results.jsonl"), """
                {"label":"straight-50","series":"straight","seed":0,"sparsity":0.5,"bleu":60}
                {"label":"straight-80","series":"straight","seed":0,"sparsity":0.8,"bleu":50}
                {"label":"straight-50","series":"straight","seed":1,"sparsity":0.52,"bleu":64}
                {"model":"a","sparsity":0.1,"bleu":70}
                {"model":"a","sparsity":0.2,"bleu":69}
                """);
        List<List<ResultPoint>> runs = ResultPoint.runs(ResultPoint.read(List.of(file.toString())));
        assertThat(runs).extracting(seeds -> ResultPoint.mean(seeds, "bleu")).containsExactly(62.0, 50.0, 70.0, 69.0);
        assertThat(runs.getFirst()).extracting(ResultPoint::label).containsExactly("straight", "straight");
    }
}
