package dev.lte.core.schema;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.lte.UnsupportedSchemaException;
import dev.lte.core.token.TestVocabularies;
import dev.lte.core.token.VocabularyTokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Whatever tokens are drawn among the allowed ones, an independent validator accepts the text. */
class SchemaCorpusTest {
    private static final int TEXTS = Integer.getInteger("lte.schema.texts", 9);
    private static final int[] LENGTHS = {0, 10, 40};

    static List<String> corpus() {
        try (InputStream file = SchemaCorpusTest.class.getResourceAsStream("corpus.jsonl")) {
            String text = new String(Objects.requireNonNull(file).readAllBytes(), StandardCharsets.UTF_8);
            return text.lines().toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @TestFactory
    Stream<DynamicTest> everyTextValidates() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        tests.add(test("byte-level BPE of 50257", TestVocabularies.gguf("gpt-2"), true));
        tests.add(test("SentencePiece of 32000", TestVocabularies.gguf("llama-spm"), true));
        tests.add(test("SentencePiece of 512", TestVocabularies.stories(), true));
        tests.add(test("hub BPE", TestVocabularies.tinyStories(), false));
        return tests.stream();
    }

    /** @param complete whether every byte is a token */
    private static DynamicTest test(String name, VocabularyTokenizer tokenizer, boolean complete) {
        return DynamicTest.dynamicTest(name, () -> {
            ConstraintCompiler compiler = new ConstraintCompiler(tokenizer);
            RandomTexts texts = new RandomTexts(tokenizer);
            List<String> failures = new ArrayList<>();
            int line = 0;
            int refused = 0;
            for (String source : corpus()) {
                line++;
                Schema validator = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                        .getSchema(source);
                ConstraintGrammar grammar;
                try {
                    grammar = compiler.jsonSchema(source);
                } catch (UnsupportedSchemaException e) {
                    assertThat(complete).as(e.getMessage()).isFalse();
                    refused++;
                    continue;
                }
                for (int i = 0; i < TEXTS; i++) {
                    SplittableRandom random = new SplittableRandom(1000L * line + i);
                    String text = decode(texts.write(grammar.newConstraint(), LENGTHS[i % LENGTHS.length], random));
                    // The validator knows which top-level domains exist; the format does not say.
                    boolean mail = source.contains("\"email\"");
                    List<Error> errors = validator.validate(
                            mail ? text.replaceAll("(@[^\"]*\\.)[a-zA-Z]+\"", "$1de\"") : text,
                            InputFormat.JSON,
                            context -> context.executionConfig(config -> config.formatAssertionsEnabled(true)));
                    if (!errors.isEmpty()) {
                        failures.add("schema " + line + " seed " + (1000L * line + i) + ": " + errors + " in " + text);
                    }
                }
            }
            assertThat(failures).isEmpty();
            assertThat(refused).isLessThan(line / 2);
        });
    }

    /** Schemas made from Java types say so of an int. */
    @Test
    void integersOf32BitsFitAnInt() throws IOException {
        VocabularyTokenizer tokenizer = TestVocabularies.gguf("gpt-2");
        RandomTexts texts = new RandomTexts(tokenizer);
        ConstraintCompiler compiler = new ConstraintCompiler(tokenizer);
        ConstraintGrammar bounded =
                compiler.jsonSchema("{\"type\":\"integer\",\"format\":\"int32\",\"maximum\":5000000000}");
        long largest = 0;
        for (int seed = 0; seed < 200; seed++) {
            String text = decode(texts.write(bounded.newConstraint(), 12, new SplittableRandom(seed)));
            long value = Long.parseLong(text);
            assertThat(value).as("seed " + seed).isBetween((long) Integer.MIN_VALUE, (long) Integer.MAX_VALUE);
            largest = Math.max(largest, Math.abs(value));
        }
        assertThat(largest).isGreaterThan(1L << 30);
    }

    private static String decode(byte[] text) {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(text))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new AssertionError("not UTF-8", e);
        }
    }
}
