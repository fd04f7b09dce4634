package dev.lte.core.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lte.Completed;
import dev.lte.EvaluationReport;
import dev.lte.EvaluationRequest;
import dev.lte.EvaluationTask;
import dev.lte.GenerationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import dev.lte.UnsupportedModelException;
import dev.lte.core.data.E2eSource;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Evaluation of a real small model, against sums over the logits that its engine gives. */
class EvaluationTest {
    /** Float logits in another order of work: relative error of a few 1e-6 of each. */
    private static final double TOLERANCE = 1e-4;

    private static final LoadOptions OPTIONS =
            LoadOptions.of(options -> options.backend("reference").maxStreams(4).contextLength(128));

    private static final String CSV = """
            mr,ref
            "name[Tim], likes[dog]",Tim has a big dog.
            "name[Lily], likes[cat]",Lily had a cat.
            "name[Tim], likes[dog]","The dog of Tim, big."
            """;

    @TempDir
    private Path folder;

    private static Path model() {
        try {
            return Path.of(EvaluationTest.class
                    .getResource("/dev/lte/core/stories260K/stories260K.bin")
                    .toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    private Path gzip(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(content.getBytes(StandardCharsets.UTF_8));
        }
        return file;
    }

    private static double nats(float[][] logits, int[] ids, int firstTarget) {
        double sum = 0;
        for (int i = firstTarget; i < ids.length; i++) {
            double all = 0;
            for (float logit : logits[i - 1]) {
                all += Math.exp(logit);
            }
            sum += Math.log(all) - logits[i - 1][ids[i]];
        }
        return sum;
    }

    @Test
    void likelihoodOfTextIsThatOfTheModelsLogits() throws IOException {
        String first = "Once upon a time, there was a little girl named Lily. She had a red ball.";
        String second = "Tim was sad.";
        Path data = gzip("text.gz", first + "\n<|endoftext|>\n" + second + "\n");

        EvaluationReport report = Lte.evaluate(model(), EvaluationRequest.of(EvaluationTask.TEXT, data), OPTIONS);

        double nats = 0;
        int tokens = 0;
        int run = 0;
        try (Model model = Lte.load(model(), OPTIONS)) {
            for (String text : List.of(first, second)) {
                int[] ids = model.tokenizer().encode(text, true, false);
                nats += nats(model.logits(ids), ids, 1);
                tokens += ids.length - 1;
                run += ids.length;
            }
        }
        assertThat(report.scores().get("perplexity"))
                .isCloseTo(Math.exp(nats / tokens), within(TOLERANCE * Math.exp(nats / tokens)));
        // The vocabulary spells a space in front of each text.
        double characters = first.length() + second.length() + 2;
        assertThat(report.scores().get("natsPerCharacter")).isCloseTo(nats / characters, within(TOLERANCE));
        assertThat(report.sparsity().mean()).isZero();
        assertThat(report.sparsity().tokens()).isEqualTo(run);
        assertThat(report.examples()).isEqualTo(2);
        // 5 layers of D 64, F 172, 8 heads and 4 for keys and values of 8: two operations a weight.
        assertThat(report.flopsPerToken()).isEqualTo(2 * 5 * (64 * (2 * 64 + 2 * 32) + 3 * 64 * 172));
    }

    @Test
    void generatesForEveryMeaningAndScoresEveryReference() throws IOException {
        Path data = gzip("e2e.csv.gz", CSV);

        EvaluationReport report = Lte.evaluate(
                model(), EvaluationRequest.of(EvaluationTask.E2E, data, request -> request.maxTokens(12)), OPTIONS);

        Bleu bleu = new Bleu();
        double nats = 0;
        long tokens = 0;
        long characters = 0;
        long run = 0;
        try (Model model = Lte.load(model(), OPTIONS)) {
            List<E2eSource.Group> groups = new E2eSource(data).groups();
            for (int i = 0; i < groups.size(); i++) {
                E2eSource.Group group = groups.get(i);
                StringBuilder text = new StringBuilder();
                for (var event : model.generate(GenerationRequest.of(request ->
                                request.prompt(group.prompt()).maxTokens(12).sampling(Sampling.greedy())))
                        .toIterable()) {
                    switch (event) {
                        case TextDelta delta -> text.append(delta.text());
                        case Completed completed -> run += completed.sparsity().tokens();
                    }
                }
                assertThat(report.outputs().get(i)).isEqualTo(text.toString().strip());
                bleu.add(text.toString().strip(), group.references());
                int[] prompt = model.tokenizer().encode(group.prompt());
                for (String reference : group.references()) {
                    int[] answer = model.tokenizer().encode(reference, false, false);
                    int[] ids = Arrays.copyOf(prompt, prompt.length + answer.length + 1);
                    System.arraycopy(answer, 0, ids, prompt.length, answer.length);
                    ids[ids.length - 1] = model.tokenizer().endOfTextIds().getFirst();
                    nats += nats(model.logits(ids), ids, prompt.length);
                    tokens += answer.length + 1;
                    characters += reference.length();
                    run += ids.length;
                }
            }
        }
        assertThat(report.examples()).isEqualTo(2);
        assertThat(report.scores().get("bleu")).isEqualTo(bleu.score().score());
        assertThat(report.scores()).containsKey("rougeL");
        assertThat(report.scores().get("natsPerCharacter")).isCloseTo(nats / characters, within(TOLERANCE));
        assertThat(report.scores().get("perplexity"))
                .isCloseTo(Math.exp(nats / tokens), within(TOLERANCE * Math.exp(nats / tokens)));
        assertThat(report.sparsity().tokens()).isEqualTo(run);
    }

    @Test
    void whatDoesNotFitIsRefused() throws IOException {
        Path meanings = gzip("test.csv.gz", "mr\nname[Tim]\n");
        assertThatThrownBy(() -> Lte.evaluate(model(), EvaluationRequest.of(EvaluationTask.E2E, meanings), OPTIONS))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("references");
        Path csv = gzip("e2e.csv.gz", CSV);
        assertThatThrownBy(() -> Lte.evaluate(model(), EvaluationRequest.of(EvaluationTask.CLASSIFY, csv), OPTIONS))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("no classes");
        assertThatThrownBy(() -> Lte.evaluate(
                        model(),
                        EvaluationRequest.of(EvaluationTask.E2E, csv, request -> request.threshold(0.4)),
                        OPTIONS))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining("threshold");
        Path empty = gzip("empty.gz", "\n");
        assertThatThrownBy(() -> Lte.evaluate(model(), EvaluationRequest.of(EvaluationTask.TEXT, empty), OPTIONS))
                .isInstanceOf(InvalidRequestException.class);
    }
}
