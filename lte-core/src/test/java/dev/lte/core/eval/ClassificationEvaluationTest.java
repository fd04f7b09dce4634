package dev.lte.core.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.lte.Classifier;
import dev.lte.EvaluationRequest;
import dev.lte.EvaluationTask;
import dev.lte.ModelInfo;
import dev.lte.SparsityReport;
import dev.lte.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassificationEvaluationTest {
    @TempDir
    private Path folder;

    /** Says the label that the first word of a text is; half as sparse for long texts. */
    private record FirstWord(List<String> labels) implements Classifier {
        @Override
        public List<Classification> classify(List<String> texts, @Nullable Double threshold) {
            return texts.stream()
                    .map(text -> new Classification(
                            text.substring(0, text.indexOf(' ')),
                            List.of(1.0, 0.0, 0.0),
                            new SparsityReport(0.5, List.of(0.4, 0.6), text.length())))
                    .toList();
        }

        @Override
        public List<Classification> classifyPairs(List<TextPair> pairs, @Nullable Double threshold) {
            return classify(pairs.stream().map(TextPair::first).toList(), threshold);
        }

        @Override
        public ModelInfo info() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Tokenizer tokenizer() {
            throw new UnsupportedOperationException();
        }

        @Override
        public float[] logits(int... ids) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }

    private Evaluation.Findings run(List<String> labels, String tsv) throws IOException {
        Path file = folder.resolve("data.tsv");
        Files.writeString(file, tsv);
        return new ClassificationEvaluation(
                        new FirstWord(labels), 2, EvaluationRequest.of(EvaluationTask.CLASSIFY, file))
                .run();
    }

    @Test
    void classesAreMatchedByName() throws IOException {
        Evaluation.Findings findings = run(List.of("CONTRADICTION", "NEUTRAL", "ENTAILMENT"), """
                sentence1\tsentence2\tgold_label
                ENTAILMENT a\tb\tentailment
                NEUTRAL a\tb\tneutral
                CONTRADICTION a\tb\tentailment
                CONTRADICTION a\tb\tcontradiction
                """);
        assertThat(findings.scores().get("accuracy")).isEqualTo(0.75);
        assertThat(findings.examples()).isEqualTo(4);
        assertThat(findings.outputs()).containsExactly("ENTAILMENT", "NEUTRAL", "CONTRADICTION", "CONTRADICTION");
        assertThat(findings.sparsity().perLayer().get(0)).isCloseTo(0.4, within(1e-12));
        assertThat(findings.sparsity().mean()).isCloseTo(0.5, within(1e-12));
    }

    @Test
    void otherClassesGoByNumber() throws IOException {
        Evaluation.Findings findings = run(List.of("negative", "positive"), """
                sentence\tlabel
                positive text\t1
                positive text\t0
                negative text\t0
                negative text\t1
                positive text\t1
                """);
        // Of class 1: two right, three predicted, three true.
        assertThat(findings.scores().get("f1")).isCloseTo(2.0 / 3, within(1e-12));
        assertThat(findings.scores().get("accuracy")).isCloseTo(0.6, within(1e-12));
        assertThat(findings.scores().get("matthews")).isCloseTo((2 - 1) / 6.0, within(1e-12));
    }
}
