package dev.lte.core.token;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Ids that the models' own tokenizers give for 47 texts: for each X.gguf in a folder, X.gguf.inp has the texts and
 * X.gguf.out a line of ids for each. The folder is {@code -Dlte.vocabularies=DIR}; by default the project's copies of
 * llama.cpp's vocabularies (MIT; the vocabularies are those of Llama 2 and GPT-2).
 *
 * <p>A folder without GGUF files may hold Llama 3's encoder.json and vocab.bpe or Qwen's qwen.tiktoken instead.
 */
class VocabularyGoldenTest {
    private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

    @TestFactory
    Stream<DynamicTest> encodesAsTheModelsOwnTokenizers() throws IOException {
        String configured = System.getProperty("lte.vocabularies");
        Path folder = configured == null ? TestVocabularies.resource("vocab") : Path.of(configured);
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path input : files.filter(file -> file.toString().endsWith(".inp"))
                    .sorted()
                    .toList()) {
                String name = input.getFileName().toString().replace(".inp", "");
                tests.add(DynamicTest.dynamicTest(name, () -> compare(tokenizer(folder, name), folder.resolve(name))));
            }
        }
        assertThat(tests).as("vocabularies in %s", folder).isNotEmpty();
        return tests.stream();
    }

    private static VocabularyTokenizer tokenizer(Path folder, String name) throws IOException {
        if (Files.exists(folder.resolve(name))) {
            return TokenizerLoader.fromGguf(TestGguf.read(folder.resolve(name)), folder.resolve(name));
        } else if (Files.exists(folder.resolve("qwen.tiktoken"))) {
            return TestVocabularies.qwen(folder);
        }
        return TestVocabularies.llama3(folder);
    }

    private static void compare(VocabularyTokenizer tokenizer, Path vocabulary) throws IOException {
        String[] texts = Files.readString(Path.of(vocabulary + ".inp")).split(SEPARATOR, -1);
        List<String> lines = Files.readAllLines(Path.of(vocabulary + ".out"));
        VocabularyTokenizer again =
                TokenizerLoader.fromGguf(TestGguf.of(tokenizer.metadata().toGguf()), vocabulary);
        boolean lossless = !tokenizer.metadata().model().equals("bert");
        for (int i = 0; i < lines.size(); i++) {
            int[] expected = Arrays.stream(lines.get(i).strip().split(" "))
                    .filter(id -> !id.isEmpty())
                    .mapToInt(Integer::parseInt)
                    .toArray();
            int[] ids = tokenizer.encode(texts[i], false, false);
            assertThat(ids).as("text %d: \"%s\"", i, texts[i]).isEqualTo(expected);
            assertThat(again.encode(texts[i], false, false))
                    .as("text %d after a round trip", i)
                    .isEqualTo(expected);
            if (lossless) {
                assertThat(tokenizer.decode(ids)).as("text %d decoded", i).isEqualTo(texts[i]);
            }
        }
        assertThat(texts.length).isGreaterThanOrEqualTo(lines.size());
    }
}
