package dev.lte.core.token;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Speed on long texts, and no quadratic behaviour on texts made to provoke it. */
class TokenizerThroughputTest {
    private static final int MEGABYTE = 1 << 20;

    /**
     * Megabytes a second on one thread, for the text {@code -Dlte.text=FILE} (a story repeated by default) and, if
     * {@code
     * -Dlte.llama3=DIR} is given, Llama 3's vocabulary too. Measured with War and Peace on a
     * server core: 23 to 27 for gpt-2, llama-spm and llama-bpe, 8 for tinystories-656k, whose words are long; the bound
     * leaves room for a busy machine.
     */
    @TestFactory
    @Tag("long")
    Stream<DynamicTest> encodesFiveMegabytesASecond() throws IOException {
        String file = System.getProperty("lte.text");
        String text = file == null ? TestVocabularies.expectedStory().repeat(5000) : Files.readString(Path.of(file));
        String llama3 = System.getProperty("lte.llama3");
        Map<String, VocabularyTokenizer> tokenizers = new LinkedHashMap<>();
        tokenizers.put("gpt-2", TestVocabularies.gguf("gpt-2"));
        tokenizers.put("llama-spm", TestVocabularies.gguf("llama-spm"));
        tokenizers.put("tinystories-656k", TestVocabularies.tinyStories());
        if (llama3 != null) {
            tokenizers.put("llama-bpe", TestVocabularies.llama3(Path.of(llama3)));
        }
        return tokenizers.entrySet().stream()
                .map(entry ->
                        DynamicTest.dynamicTest(entry.getKey(), () -> measure(entry.getKey(), entry.getValue(), text)));
    }

    private static void measure(String name, VocabularyTokenizer tokenizer, String text) {
        int bytes = text.getBytes(StandardCharsets.UTF_8).length;
        double first = 0;
        double best = 0;
        for (int run = 0; run < 6; run++) {
            long begin = System.nanoTime();
            int[] ids = tokenizer.encode(text, false, false);
            double rate = bytes * 1e3 / (System.nanoTime() - begin);
            assertThat(ids).isNotEmpty();
            first = run == 0 ? rate : first;
            best = Math.max(best, rate);
        }
        System.getLogger(TokenizerThroughputTest.class.getName())
                .log(System.Logger.Level.INFO, "{0}: first {1} MB/s, best {2} MB/s", name, first, best);
        assertThat(best).as("%s, MB/s", name).isGreaterThan(5);
    }

    @Test
    void takesNoLongerThanItsLengthForHostileTexts() throws IOException {
        Map<String, VocabularyTokenizer> tokenizers = new LinkedHashMap<>();
        tokenizers.put("gpt-2", TestVocabularies.gguf("gpt-2"));
        tokenizers.put("llama-spm", TestVocabularies.gguf("llama-spm"));
        tokenizers.put("tinystories-656k", TestVocabularies.tinyStories());
        tokenizers.forEach((name, tokenizer) -> {
            for (String kind : new String[] {"a", " ", "\r\n", "'", "ab", "\uD83D"}) {
                check(name, tokenizer, kind.repeat(MEGABYTE / kind.length()), Duration.ofSeconds(2));
            }
        });
    }

    /** A quadratic step would take 500 times as long for a megabyte. */
    @Test
    void takesNoLongerThanItsLengthForHostileTextsWithAnyPreTokenizer() throws IOException {
        TokenizerMetadata gpt2 = TestVocabularies.gguf("gpt-2").metadata();
        String[] merges = Objects.requireNonNull(gpt2.merges());
        String[] kinds = {"a", "A", " ", "\r\n", "7", "'", "ab", "<|", "\u0301", "\uD83D", "世", "\t ", "'s", "a "};
        for (String pre : NamedPreTokenizers.firstNames()) {
            VocabularyTokenizer tokenizer = TestVocabularies.bytePairs(pre, gpt2.tokens(), merges);
            for (String kind : kinds) {
                for (String end : new String[] {"①", "a", "\n"}) {
                    check(pre, tokenizer, kind.repeat(MEGABYTE / 32 / kind.length()) + end, Duration.ofMillis(500));
                }
            }
        }
    }

    private static void check(String name, VocabularyTokenizer tokenizer, String text, Duration limit) {
        Duration time = time(tokenizer, text);
        if (time.compareTo(limit) > 0) {
            // A busy machine can slow one try down; a quadratic step slows them all.
            time = time(tokenizer, text);
        }
        assertThat(time).as("\"%s\" repeated, %s", text.substring(0, 2), name).isLessThan(limit);
    }

    private static Duration time(VocabularyTokenizer tokenizer, String text) {
        long begin = System.nanoTime();
        assertThat(tokenizer.encode(text, false, true)).isNotEmpty();
        return Duration.ofNanos(System.nanoTime() - begin);
    }
}
