package dev.lte.core.token;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.LteException;
import dev.lte.core.fuzz.AllocatedBytes;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Damaged files: only typed errors, in bounded time and memory. */
class TokenizerFuzzTest {
    private static final String TEXT = "Once  upon a time, Lily's 12 ducks <|x|> é世界😀\n\t";

    /** Beside tables of fixed size: what a step through a file of this kind may take for each of its bytes. */
    private static final long BYTES_PER_BYTE = 100;

    private static final long FIXED_BYTES = 16L << 20;
    private static final long NANOSECONDS = 3_000_000_000L;

    /** Every kind of component that is implemented, in one small file. */
    private static final String TOKENIZER = """
            {"version":"1.0","added_tokens":[{"id":14,"content":"<|x|>","special":true,"normalized":false,
            "rstrip":true},
            {"id":15,"content":"Lily","special":false,"normalized":true,"single_word":true}],
            "normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Strip","strip_left":false},
            {"type":"Replace","pattern":{"Regex":" {2,}"},"content":"▁"},{"type":"Prepend","prepend":"▁"},
            {"type":"Replace","pattern":{"String":" "},"content":"▁"},{"type":"BertNormalizer","lowercase":false}]},
            "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},
            {"type":"Split","pattern":
            {"Regex":"(?i:'s|'t)|[^\\\\r\\\\n\\\\p{L}]?\\\\p{L}+|\\\\p{N}{1,3}|\\\\s+(?!\\\\S)|\\\\s+"},
            "behavior":"Isolated","invert":false},{"type":"Punctuation","behavior":"Contiguous"},
            {"type":"Metaspace","prepend_scheme":"never","split":true}]},
            "post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel"},
            {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<|x|>"}},{"Sequence":{"id":"A"}}],
            "special_tokens":{"<|x|>":{"ids":[14]}}}]},
            "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
            {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
            "model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,"ignore_merges":false,
            "vocab":{"<unk>":0,"▁":1,"a":2,"e":3,"i":4,"m":5,"o":6,"p":7,"t":8,"on":9,"n":10,"▁t":11,"im":12,"▁tim":13},
            "merges":["o n",["▁","t"],"i m","▁t im"]}}
            """;

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final JsonMapper MAPPER = JsonMapper.builder().build();

    @TempDir
    private Path directory;

    private interface Load {
        VocabularyTokenizer load() throws IOException;
    }

    private void check(String what, int size, Load load) throws IOException {
        long begin = THREADS.getCurrentThreadCpuTime();
        long before = AllocatedBytes.ofThisThread();
        try {
            VocabularyTokenizer tokenizer = load.load();
            tokenizer.decode(tokenizer.encode(TEXT, true, true));
        } catch (LteException expected) {
            assertThat(expected.remedy()).as(what).isNotBlank();
        } catch (RuntimeException | Error e) {
            throw new AssertionError(what + ": " + e, e);
        }
        assertThat(AllocatedBytes.ofThisThread() - before)
                .as("%s: bytes allocated", what)
                .isLessThan(FIXED_BYTES + BYTES_PER_BYTE * size);
        assertThat(THREADS.getCurrentThreadCpuTime() - begin)
                .as("%s: nanoseconds of processor time", what)
                .isLessThan(NANOSECONDS);
    }

    private static byte[] mutate(byte[] original, Random random) {
        byte[] bytes = original.clone();
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] = (byte) random.nextInt(256);
                case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 2 -> bytes[at] = (byte) "0129-{}[]\":,eE.\\*+?()|^$".charAt(random.nextInt(24));
                case 3 -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
                default -> {
                    int length = Math.min(1 + random.nextInt(24), bytes.length - at);
                    int from = random.nextInt(bytes.length - length + 1);
                    System.arraycopy(bytes, from, bytes, at, length);
                }
            }
        }
        return bytes;
    }

    /** Valid JSON with a value or two exchanged for another of the document or for one that fits nowhere. */
    private static byte[] mutateValues(byte[] original, Random random) {
        JsonNode root = MAPPER.readTree(original);
        for (int i = 1 + random.nextInt(2); i > 0; i--) {
            List<JsonNode> containers = new ArrayList<>();
            List<JsonNode> values = new ArrayList<>(List.of(
                    MAPPER.readTree("null"),
                    MAPPER.readTree("-1"),
                    MAPPER.readTree("65"),
                    MAPPER.readTree("1e400"),
                    MAPPER.readTree("99999999999999999999"),
                    MAPPER.readTree("\"\""),
                    MAPPER.readTree("\"\\ud83d\""),
                    MAPPER.readTree("{}"),
                    MAPPER.readTree("[]")));
            collect(root, containers, values);
            JsonNode container = containers.get(random.nextInt(containers.size()));
            JsonNode value = values.get(random.nextInt(values.size())).deepCopy();
            if (container instanceof ObjectNode object && !object.isEmpty()) {
                List<String> names = List.copyOf(object.propertyNames());
                object.set(names.get(random.nextInt(names.size())), value);
            } else if (container instanceof ArrayNode array) {
                array.insert(random.nextInt(array.size() + 1), value);
            }
        }
        return MAPPER.writeValueAsBytes(root);
    }

    private static void collect(JsonNode node, List<JsonNode> containers, List<JsonNode> values) {
        values.add(node);
        if (node.isContainer()) {
            containers.add(node);
            node.values().forEach(child -> collect(child, containers, values));
        }
    }

    private void fuzzTokenizerJson(byte[] original, int from, int to, Path folder) throws IOException {
        for (int seed = from; seed < to; seed++) {
            Random random = new Random(seed);
            byte[] bytes = seed % 2 == 0 ? mutate(original, random) : mutateValues(original, random);
            Files.write(folder.resolve("tokenizer.json"), bytes);
            check("tokenizer.json, seed " + seed, bytes.length, () -> TokenizerLoader.fromHubDirectory(folder));
        }
    }

    /** By all processors. */
    private void fuzzTokenizerJsonTogether(byte[] original, int from, int to) throws Exception {
        int slices = 16 * Runtime.getRuntime().availableProcessors();
        try (ExecutorService threads = Executors.newFixedThreadPool(slices / 16)) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < slices; i++) {
                int first = (int) (from + (long) (to - from) * i / slices);
                int end = (int) (from + (long) (to - from) * (i + 1) / slices);
                Path folder = Files.createDirectory(directory.resolve(from + "-" + to + "-" + i));
                running.add(threads.submit(() -> {
                    fuzzTokenizerJson(original, first, end, folder);
                    return null;
                }));
            }
            for (Future<?> slice : running) {
                slice.get();
            }
        }
    }

    @Test
    void survivesADamagedTokenizerJson() throws IOException {
        byte[] original = TOKENIZER.getBytes(StandardCharsets.UTF_8);
        Files.write(directory.resolve("tokenizer.json"), original);
        assertThat(TokenizerLoader.fromHubDirectory(directory).encode("on time"))
                .startsWith(14);
        fuzzTokenizerJson(original, 0, 2000, directory);
    }

    @Test
    @Tag("long")
    void survivesAMillionDamagedTokenizerJsons() throws Exception {
        fuzzTokenizerJsonTogether(TOKENIZER.getBytes(StandardCharsets.UTF_8), 2000, 1_002_000);
        Path tinyStories = TestVocabularies.resource("token/tinystories-656k/tokenizer.json");
        fuzzTokenizerJsonTogether(Files.readAllBytes(tinyStories), 0, 3000);
    }

    @Test
    void survivesDamagedConfigurations() throws IOException {
        Files.writeString(directory.resolve("tokenizer.json"), TOKENIZER);
        byte[] original = """
                {"tokenizer_class":"LlamaTokenizerFast","bos_token":{"content":"<|x|>"},"eos_token":"on",
                "add_bos_token":true,"eos_token_id":[3,4],"bos_token_id":14,"add_eos_token":false,
                "pad_token_id":0,"model_type":"llama"}
                """.getBytes(StandardCharsets.UTF_8);
        for (int seed = 0; seed < 400; seed++) {
            byte[] bytes = mutate(original, new Random(seed));
            for (String name : new String[] {"tokenizer_config.json", "config.json", "generation_config.json"}) {
                Files.write(directory.resolve(name), seed % 2 == 0 ? original : bytes);
            }
            Files.write(directory.resolve("tokenizer_config.json"), bytes);
            check("configuration, seed " + seed, bytes.length, () -> TokenizerLoader.fromHubDirectory(directory));
        }
    }

    @Test
    void survivesDamagedBinaryFiles() throws IOException {
        byte[] stories = Files.readAllBytes(TestVocabularies.resource("stories260K/tok512.bin"));
        byte[] babyLlama = Files.readAllBytes(TestVocabularies.resource("token/tok105.model"));
        for (int seed = 0; seed < 1000; seed++) {
            byte[] bin = mutate(stories, new Random(seed));
            Path file = directory.resolve("tokenizer.bin");
            Files.write(file, bin);
            check("tokenizer.bin, seed " + seed, bin.length, () -> TokenizerLoader.fromLlama2c(file, 512));
            byte[] model = mutate(babyLlama, new Random(seed));
            Files.write(directory.resolve("tokenizer.model"), model);
            check("tokenizer.model, seed " + seed, model.length, () -> TokenizerLoader.fromHubDirectory(directory));
        }
    }

    @Test
    void survivesDamagedVocabAndMerges() throws IOException {
        byte[] vocabulary =
                "{\"a\":0,\"b\":1,\"Ġ\":2,\"ab\":3,\"Ġab\":4,\"<|endoftext|>\":5}".getBytes(StandardCharsets.UTF_8);
        byte[] merges = "#version: 0.2\na b\nĠ ab\n".getBytes(StandardCharsets.UTF_8);
        for (int seed = 0; seed < 500; seed++) {
            Random random = new Random(seed);
            byte[] damaged = random.nextBoolean() ? vocabulary : mutate(vocabulary, random);
            Files.write(directory.resolve("vocab.json"), damaged);
            Files.write(directory.resolve("merges.txt"), mutate(merges, random));
            check("vocab.json, seed " + seed, vocabulary.length, () -> TokenizerLoader.fromHubDirectory(directory));
        }
    }

    @Test
    void survivesGgufMetadataThatDoesNotFitTogether() throws IOException {
        VocabularyTokenizer tokenizer = TestVocabularies.tinyStories();
        for (int seed = 0; seed < 400; seed++) {
            Random random = new Random(seed);
            var pairs = tokenizer.metadata().toGguf();
            for (int i = 1 + random.nextInt(2); i > 0; i--) {
                String key = pairs.keySet().stream()
                        .skip(random.nextInt(pairs.size()))
                        .findFirst()
                        .orElseThrow();
                Object value = Objects.requireNonNull(pairs.get(key));
                switch (value) {
                    case String text
                    when text.length() > 20 ->
                        pairs.put(key, new String(mutate(PieceStyle.utf8(text), random), StandardCharsets.UTF_8));
                    case String text -> pairs.put(key, random.nextBoolean() ? "gpt2" : text + "x");
                    case Long number -> pairs.put(key, random.nextBoolean() ? random.nextLong() : number + 100_000);
                    case Boolean flag -> pairs.put(key, random.nextBoolean() ? !flag : "true");
                    case String[] texts -> pairs.put(key, Arrays.copyOf(texts, random.nextInt(texts.length)));
                    case int[] numbers ->
                        pairs.put(
                                key,
                                random.ints(random.nextInt(numbers.length + 1)).toArray());
                    default -> pairs.put(key, new float[] {Float.NaN});
                }
                if (random.nextInt(4) == 0) {
                    pairs.remove(key);
                }
                if (pairs.isEmpty()) {
                    break;
                }
            }
            Path file = Path.of("x.gguf");
            check("metadata, seed " + seed, 1 << 20, () -> TokenizerLoader.fromGguf(TestGguf.of(pairs), file));
        }
    }
}
