package dev.lte.core.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SourcesTest {
    @TempDir
    Path folder;

    private Path file(String content) throws IOException {
        return Files.writeString(folder.resolve("data"), content);
    }

    private static List<Example> all(ExampleSource source) {
        return all(source.open());
    }

    private static List<Example> all(ExampleReader reader) {
        try (reader) {
            List<Example> examples = new ArrayList<>();
            for (Example example = reader.next(); example != null; example = reader.next()) {
                examples.add(example);
            }
            return examples;
        }
    }

    private static Example.Text document(String text) {
        return new Example.Text(text, true, true);
    }

    @Test
    void textIsCutAtSeparators() throws IOException {
        Path file = file("\uFEFFOne\r\nline\r\n\r\n  <|endoftext|> \r\n\n<|endoftext|>\nTwo\n\nparts\n");
        assertThat(all(new TextSource(file, "<|endoftext|>")))
                .containsExactly(document("One\nline"), document("Two\n\nparts"));
        assertThat(all(new TextSource(file(" a\nb\n\n\n c\n"), ""))).containsExactly(document("a\nb"), document("c"));
        assertThat(all(new TextSource(file("a\n\nb"), null))).containsExactly(document("a\n\nb"));
        assertThat(all(new TextSource(file("\n \n"), null))).isEmpty();
    }

    @Test
    void longDocumentsComeInParts() throws IOException {
        List<Example> parts = all(new TextSource(file("aaaa\nbbbb\n\ncccc\nd\n---\n\ne\n"), "---").open(6));
        assertThat(parts)
                .containsExactly(
                        new Example.Text("aaaa\nbbbb\n\n", true, false),
                        new Example.Text("cccc\nd", false, true),
                        document("e"));
        String many = "word\n".repeat(5) + "\n".repeat(50) + "end";
        StringBuilder joined = new StringBuilder();
        for (Example part : all(new TextSource(file(many), null).open(10))) {
            assertThat(((Example.Text) part).text().length()).isLessThan(30);
            joined.append(((Example.Text) part).text());
        }
        assertThat(joined).hasToString(many);
    }

    @Test
    void gzipIsReadAsWhatItHolds() throws IOException {
        byte[] packed = gzip(
                "{\"prompt\":\"p é\",\"completion\":\"c\",\"more\":[1]}\n\n{\"completion\":\"\",\"prompt\":\"q\"}");
        Path file = Files.write(folder.resolve("data.jsonl"), packed);
        assertThat(all(new JsonlSource(file)))
                .containsExactly(new Example.Completion("p é", "c"), new Example.Completion("q", ""));

        Files.write(file, Arrays.copyOf(packed, packed.length - 12));
        assertThatThrownBy(() -> all(new JsonlSource(file)))
                .isInstanceOf(DataFormatException.class)
                .hasMessageContaining("a complete gzip file");
    }

    private static byte[] gzip(String text) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(bytes)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    @Test
    void jsonlNamesTheLineThatIsWrong() throws IOException {
        assertInvalid(
                new JsonlSource(file("{\"prompt\":\"a\",\"completion\":\"b\"}\n{\"prompt\":\"a\"}\n")),
                2,
                "completion");
        assertInvalid(new JsonlSource(file("\n\n{\"prompt\":1,\"completion\":\"b\"}")), 3, "prompt");
        assertInvalid(new JsonlSource(file("{\"prompt\":")), 1, "valid JSON");
        assertInvalid(new JsonlSource(file("[]")), 1, "an object");
        assertThat(all(new JsonlSource(file("{\"document\":\"d\",\"summary\":\"s\"}"), "document", "summary")))
                .containsExactly(new Example.Completion("d", "s"));
    }

    @Test
    void textThatIsNotUtf8NamesItsLine() throws IOException {
        Path file = Files.write(folder.resolve("latin"), "ok\nna\u00efve\n".getBytes(StandardCharsets.ISO_8859_1));
        assertInvalid(new TextSource(file, null), 2, "UTF-8");
    }

    private static void assertInvalid(ExampleSource source, long line, String expected) {
        assertThatThrownBy(() -> all(source))
                .isInstanceOfSatisfying(
                        DataFormatException.class, e -> assertThat(e.line()).isEqualTo(line))
                .hasMessageContaining(expected);
    }

    @Test
    void linesAreBounded() throws IOException {
        Path file = file("short\n" + "x".repeat(100));
        try (LineReader lines = new LineReader(file, 50)) {
            assertThat(lines.next()).isEqualTo("short");
            assertThatThrownBy(lines::next)
                    .isInstanceOf(DataFormatException.class)
                    .hasMessageContaining(":2: expected lines of");
        }
    }

    @Test
    void missingFilesAreReadErrors() {
        assertThatThrownBy(() -> all(new TextSource(folder.resolve("none"), null)))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("none");
    }

    @Test
    void csvKnowsQuotes() throws IOException {
        try (CsvReader csv = new CsvReader(
                new LineReader(file("a,\"b,c\",\"d \"\"e\"\"\"\n\"two\nlines\",,x\"y\n\n\"\",last,\n")))) {
            assertThat(csv.next()).containsExactly("a", "b,c", "d \"e\"");
            assertThat(csv.next()).containsExactly("two\nlines", "", "x\"y");
            assertThat(csv.line()).isEqualTo(2);
            assertThat(csv.next()).containsExactly("", "last", "");
            assertThat(csv.line()).isEqualTo(5);
            assertThat(csv.next()).isNull();
        }
    }

    @Test
    void e2eHasThePapersPrompt() throws IOException {
        E2eSource source = new E2eSource(
                file("mr,ref\n\"name[A], area[b]\",\"A is \"\"b\"\".\"\nname[C],C.\n\"name[A], area[b]\",Also b.\n"));
        String prompt = "Input:\nname[A], area[b]\n---\nOutput:\n";
        assertThat(all(source))
                .containsExactly(
                        new Example.Completion(prompt, "A is \"b\"."),
                        new Example.Completion("Input:\nname[C]\n---\nOutput:\n", "C."),
                        new Example.Completion(prompt, "Also b."));
        assertThat(source.groups())
                .containsExactly(
                        new E2eSource.Group(prompt, List.of("A is \"b\".", "Also b.")),
                        new E2eSource.Group("Input:\nname[C]\n---\nOutput:\n", List.of("C.")));
    }

    @Test
    void e2eTestSetsHaveNoReferences() throws IOException {
        E2eSource source = new E2eSource(file("MR\nname[A]\n"));
        assertThat(source.groups()).containsExactly(new E2eSource.Group("Input:\nname[A]\n---\nOutput:\n", List.of()));
        assertInvalid(source, 1, "a column ref");
    }

    @Test
    void e2eNamesTheLineThatIsWrong() throws IOException {
        assertInvalid(new E2eSource(file("mr,ref\na,b\n\n\"c\nd\",e,f\n")), 4, "2 fields");
        assertInvalid(new E2eSource(file("mr,ref\n\"a,b\n")), 2, "a quote that closes");
        assertInvalid(new E2eSource(file("mr,ref\n\"a\"b,c\n")), 2, "behind a closing quote");
        assertInvalid(new E2eSource(file("text,label\na,b\n")), 1, "the columns mr and ref");
        assertInvalid(new E2eSource(file("")), 0, "the columns mr and ref");
    }

    @Test
    void tsvTasksAreKnownByTheirHeaders() throws IOException {
        assertThat(all(new TsvSource(file("label\tsentence\n0\ta \"quote\n1\tb\n"), null)))
                .containsExactly(new Example.Labelled("a \"quote", null, 0), new Example.Labelled("b", null, 1));
        assertThat(all(new TsvSource(
                        file("\uFEFFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t7\t8\tx\ty\r\n"), null)))
                .containsExactly(new Example.Labelled("x", "y", 1));
        String mnli =
                "index\tsentence1\tsentence2\tlabel1\tgold_label\n0\tp\th\tneutral\tcontradiction\n1\tp\th\t-\t-\n";
        TsvSource source = new TsvSource(file(mnli), null);
        assertThat(source.resolvedTask()).isEqualTo(TsvTask.MNLI);
        assertThat(all(source)).containsExactly(new Example.Labelled("p", "h", 2));
        assertThat(all(new TsvSource(file("index\tquestion\tsentence\tlabel\n0\tq\ts\tnot_entailment\n"), null)))
                .containsExactly(new Example.Labelled("q", "s", 1));
    }

    @Test
    void tsvNamesTheLineThatIsWrong() throws IOException {
        assertInvalid(new TsvSource(file("label\tsentence\n0\ta\n1\n"), null), 3, "2 fields");
        assertInvalid(new TsvSource(file("label\tsentence\n2\ta\n"), null), 2, "a label of [0, 1]");
        assertInvalid(new TsvSource(file("a\tb\n"), null), 1, "a header of MRPC, MNLI, QNLI, SST-2");
        assertInvalid(new TsvSource(file("label\tsentence\n"), TsvTask.MRPC), 1, "#2 String");
    }
}
