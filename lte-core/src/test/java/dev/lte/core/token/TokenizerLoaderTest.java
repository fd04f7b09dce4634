package dev.lte.core.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.core.format.gguf.GgufMetadata;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerLoaderTest {
    @TempDir
    private Path directory;

    @Test
    void encodesAndDecodesAsLlama2cDoes() throws IOException {
        VocabularyTokenizer tokenizer = TestVocabularies.stories();
        assertThat(tokenizer.encode("Once upon a time")).containsExactly(1, 403, 407, 261, 378);
        assertThat(tokenizer.encode("")).containsExactly(1);
        assertThat(tokenizer.endOfTextIds()).containsExactly(2, 1);
        String story = TestVocabularies.expectedStory();
        assertThat(tokenizer.decode(tokenizer.encode(story))).isEqualTo(story);
        // Greedy ids of stories260K for this prompt, and their text.
        int[] generated = {
            1, 403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426, 338, 401, 396, 267, 337,
            410, 408, 419, 292, 411, 322, 265, 282, 295, 433, 426, 385, 328, 432, 358, 394, 261, 370, 432, 352, 266,
            268, 388, 426, 338, 391, 266, 267, 337, 335, 312, 432, 398, 312, 286, 267, 414, 270, 333, 415, 426, 13,
            438, 310
        };
        assertThat(tokenizer.decode(generated)).isEqualTo(story.substring(0, story.indexOf("Lily's") + 4));
        assertThat(tokenizer.encode("<s>", false, false)).doesNotContain(1);
        assertThat(tokenizer.encode("<s>", false, true)).containsExactly(1);
    }

    @Test
    void encodesTokensThatSpanWordsByTheirMerges() {
        VocabularyTokenizer tokenizer = TestVocabularies.tinyStories();
        String prompt = "<|start_story|>Once upon a time, there was a little boy named Tim. Tim ";
        int[] expected = {1, 147, 201, 282, 215, 286, 704, 905};
        assertThat(tokenizer.encode(prompt, false, true)).containsExactly(expected);
        assertThat(tokenizer.decode(expected)).isEqualTo(prompt.substring("<|start_story|>".length()));
        assertThat(tokenizer.endOfTextIds()).containsExactly(2);
        assertThat(tokenizer.beginOfTextId()).isEqualTo(1);
        assertThat(tokenizer.encode("One day", true, false)).startsWith(1);
        String text = "One day, she went to the park.\n\"Hi!\" ";
        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
        // This vocabulary has no byte tokens: a run of characters that it lacks is one unknown token.
        assertThat(tokenizer.encode("a世界a", false, false)).hasSize(3).contains(0);
    }

    @Test
    void ggufMetadataReproducesATokenizerJson() throws IOException {
        VocabularyTokenizer tokenizer = TestVocabularies.tinyStories();
        GgufMetadata gguf = TestGguf.of(tokenizer.metadata().toGguf());
        VocabularyTokenizer again = TokenizerLoader.fromGguf(gguf, Path.of("converted.gguf"));
        String begin = "<|start_story|>Once upon a time, there was a ";
        String[] texts = {begin, TestVocabularies.expectedStory(), " x  y é 😀"};
        for (String text : texts) {
            assertThat(again.encode(text, true, true)).isEqualTo(tokenizer.encode(text, true, true));
            assertThat(again.encode(text, false, false)).isEqualTo(tokenizer.encode(text, false, false));
        }
        assertThat(again.endOfTextIds()).isEqualTo(tokenizer.endOfTextIds());
        assertThat(gguf.string("tokenizer.ggml.model")).isEqualTo("llama");
    }

    @Test
    void ggufMetadataReproducesALlama2cTokenizer() throws IOException {
        VocabularyTokenizer tokenizer = TestVocabularies.stories();
        VocabularyTokenizer again =
                TokenizerLoader.fromGguf(TestGguf.of(tokenizer.metadata().toGguf()), Path.of("converted.gguf"));
        String story = TestVocabularies.expectedStory() + " é世界";
        assertThat(again.encode(story)).isEqualTo(tokenizer.encode(story));
        assertThat(again.decode(again.encode(story))).isEqualTo(story);
        assertThat(again.endOfTextIds()).isEqualTo(tokenizer.endOfTextIds());
    }

    @Test
    void readsASentencePieceModel() throws IOException {
        Files.copy(TestVocabularies.resource("token/tok105.model"), directory.resolve("tokenizer.model"));
        VocabularyTokenizer tokenizer = TokenizerLoader.fromHubDirectory(directory);
        assertThat(tokenizer.size()).isEqualTo(105);
        int[] ids = tokenizer.encode("the cat");
        assertThat(Arrays.stream(ids).mapToObj(tokenizer::piece))
                .containsExactly("<s>", "▁", "t", "h", "e", "▁", "c", "a", "t");
        assertThat(tokenizer.decode(ids)).isEqualTo("the cat");
        // Two neighbouring characters that the vocabulary lacks are one unknown token, as in SentencePiece.
        assertThat(tokenizer.encode("世界", false, false)).containsExactly(3, 0);
    }

    @Test
    void readsVocabJsonAndMerges() throws IOException {
        TokenizerMetadata gpt2 = TestVocabularies.gguf("gpt-2").metadata();
        StringBuilder vocabulary = new StringBuilder("{");
        for (int id = 0; id < gpt2.tokens().length; id++) {
            String token = gpt2.tokens()[id].replace("\\", "\\\\").replace("\"", "\\\"");
            vocabulary
                    .append(id == 0 ? "\"" : ",\"")
                    .append(token)
                    .append("\":")
                    .append(id);
        }
        Files.writeString(directory.resolve("vocab.json"), vocabulary.append('}'));
        Files.writeString(directory.resolve("merges.txt"), "#version: 0.2\n" + String.join("\n", gpt2.merges()) + "\n");
        VocabularyTokenizer tokenizer = TokenizerLoader.fromHubDirectory(directory);
        assertThat(tokenizer.encode("Hello, world!")).containsExactly(15496, 11, 995, 0);
        assertThat(tokenizer.endOfTextIds()).containsExactly(50256);
        assertThat(tokenizer.encode("<|endoftext|>", false, true)).containsExactly(50256);
        assertThat(tokenizer.encode("<|endoftext|>", false, false)).doesNotContain(50256);
        Files.writeString(directory.resolve("config.json"), "{\"model_type\":\"mystery\"}");
        assertThatThrownBy(() -> TokenizerLoader.fromHubDirectory(directory))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("mystery");
    }

    @Test
    void namesAnUnknownPreTokenizerAndTheKnownOnes() {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("tokenizer.ggml.model", "gpt2");
        values.put("tokenizer.ggml.pre", "mystery");
        values.put("tokenizer.ggml.tokens", new String[] {"a"});
        values.put("tokenizer.ggml.merges", new String[0]);
        Path file = Path.of("x.gguf");
        assertThatThrownBy(() -> TokenizerLoader.fromGguf(new GgufMetadata(file, values), file))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("mystery")
                .hasMessageContaining("llama-bpe");
        values.put("tokenizer.ggml.model", "rwkv");
        assertThatThrownBy(() -> TokenizerLoader.fromGguf(new GgufMetadata(file, values), file))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("rwkv");
    }

    @Test
    void knowsThePreTokenizersInCommonUse() {
        String[] letters = new String[256];
        for (int value = 0; value < 256; value++) {
            letters[value] = String.valueOf(ByteAlphabet.character(value));
        }
        String text = "I'LL pay 12345 € or\r\n\t 3.5 for façade 世界, ok?!   \n x";
        for (String pre : NamedPreTokenizers.names()) {
            VocabularyTokenizer tokenizer = TestVocabularies.bytePairs(pre, letters, new String[0]);
            assertThat(tokenizer.decode(tokenizer.encode(text, false, false)))
                    .as(pre)
                    .isEqualTo(text);
        }
        assertThat(NamedPreTokenizers.names())
                .contains("default", "llama-bpe", "gpt-2", "qwen2", "deepseek-llm", "deepseek-coder", "falcon", "mpt")
                .contains("starcoder", "refact", "command-r", "smollm", "tekken", "olmo", "gpt-4o");
    }

    @Test
    void refusesIdsOutsideTheVocabulary() {
        VocabularyTokenizer tokenizer = TestVocabularies.stories();
        assertThatThrownBy(() -> tokenizer.decode(512)).isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> tokenizer.piece(-1)).isInstanceOf(InvalidRequestException.class);
    }

    @Test
    void rejectsALlama2cFileThatIsTooShort() throws IOException {
        Path file = TestVocabularies.resource("stories260K/tok512.bin");
        assertThatThrownBy(() -> TokenizerLoader.fromLlama2c(file, 32000)).isInstanceOf(ModelFormatException.class);
        assertThatThrownBy(() -> TokenizerLoader.fromLlama2c(file, Integer.MAX_VALUE))
                .isInstanceOf(ModelFormatException.class);
        byte[] content = Files.readAllBytes(file);
        Path cut = directory.resolve("cut.bin");
        Files.write(cut, Arrays.copyOf(content, content.length - 1));
        assertThatThrownBy(() -> TokenizerLoader.fromLlama2c(cut, 512)).isInstanceOf(ModelFormatException.class);
    }

    @Test
    void saysWhatADirectoryWithoutATokenizerLacks() {
        assertThatThrownBy(() -> TokenizerLoader.fromHubDirectory(directory))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("tokenizer.json");
        assertThat(List.of(directory.toFile().list())).isEmpty();
    }
}
