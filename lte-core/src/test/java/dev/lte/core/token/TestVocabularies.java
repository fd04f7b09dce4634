package dev.lte.core.token;

import dev.lte.core.format.gguf.GgufMetadata;
import dev.lte.core.source.Fixtures;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Vocabularies for tests: the project's own copies, and the formats in which Llama 3 and Qwen publish theirs. */
public final class TestVocabularies {
    private TestVocabularies() {}

    static Path resource(String name) {
        return Fixtures.resource(name);
    }

    public static VocabularyTokenizer gguf(String name) throws IOException {
        Path file = resource("vocab/ggml-vocab-" + name + ".gguf");
        return TokenizerLoader.fromGguf(TestGguf.read(file), file);
    }

    public static VocabularyTokenizer stories() {
        return TokenizerLoader.fromLlama2c(resource("stories260K/tok512.bin"), 512);
    }

    public static VocabularyTokenizer tinyStories() {
        return TokenizerLoader.fromHubDirectory(resource("token/tinystories-656k"));
    }

    /** Llama 3's encoder.json and vocab.bpe. */
    static VocabularyTokenizer llama3(Path directory) throws IOException {
        JsonNode encoder = JsonMapper.builder().build().readTree(Files.readAllBytes(directory.resolve("encoder.json")));
        String[] tokens = new String[encoder.size()];
        encoder.properties().forEach(entry -> tokens[entry.getValue().intValue()] = entry.getKey());
        String[] merges = Files.readAllLines(directory.resolve("vocab.bpe")).stream()
                .filter(line -> !line.isEmpty() && !line.startsWith("#version"))
                .toArray(String[]::new);
        return bytePairs("llama-bpe", tokens, merges);
    }

    /**
     * Qwen's qwen.tiktoken: each line a token in base 64 and its rank, which is its id. Merges follow from the ranks.
     */
    static VocabularyTokenizer qwen(Path directory) throws IOException {
        List<byte[]> bytes = new ArrayList<>();
        for (String line : Files.readAllLines(directory.resolve("qwen.tiktoken"))) {
            bytes.add(Base64.getDecoder().decode(line.substring(0, line.indexOf(' '))));
        }
        Map<String, Integer> ranks = new HashMap<>();
        String[] tokens = new String[bytes.size()];
        for (int id = 0; id < tokens.length; id++) {
            tokens[id] = spell(bytes.get(id));
            ranks.put(tokens[id], id);
        }
        List<String> merges = new ArrayList<>();
        for (int id = 0; id < tokens.length; id++) {
            if (tokens[id].length() > 1) {
                merges.add(lastMerge(tokens[id], id, ranks));
            }
        }
        return bytePairs("qwen2", tokens, merges.toArray(String[]::new));
    }

    /** The merge that makes a token: what the tokens of lower rank leave of it. */
    private static String lastMerge(String token, int id, Map<String, Integer> ranks) {
        List<String> parts = new ArrayList<>(Arrays.asList(token.split("")));
        while (parts.size() > 2) {
            int best = -1;
            int bestRank = id;
            for (int i = 0; i + 1 < parts.size(); i++) {
                Integer rank = ranks.get(parts.get(i) + parts.get(i + 1));
                if (rank != null && rank < bestRank) {
                    best = i;
                    bestRank = rank;
                }
            }
            if (best < 0) {
                throw new IllegalStateException("token " + id + " cannot be merged");
            }
            parts.set(best, parts.get(best) + parts.remove(best + 1));
        }
        return parts.get(0) + ' ' + parts.get(1);
    }

    private static String spell(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte value : bytes) {
            text.append(ByteAlphabet.character(value));
        }
        return text.toString();
    }

    static VocabularyTokenizer bytePairs(String pre, String[] tokens, String[] merges) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("tokenizer.ggml.model", "gpt2");
        values.put("tokenizer.ggml.pre", pre);
        values.put("tokenizer.ggml.tokens", tokens);
        values.put("tokenizer.ggml.merges", merges);
        Path file = Path.of(pre);
        return TokenizerLoader.fromGguf(new GgufMetadata(file, values), file);
    }

    /** What stories260K tells without a prompt. */
    static String expectedStory() throws IOException {
        return Files.readString(resource("stories260K/expected_t0_n200.txt"), StandardCharsets.UTF_8);
    }
}
