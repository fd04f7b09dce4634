package dev.lte.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The whole command with the models that come with the examples. */
class StoryModelTest {
    /**
     * Greedy tokens of a float64 implementation after "&lt;|start_story|&gt;Once upon a time, there was a little boy named Tim. Tim ".
     */
    private static final List<Integer> GOLDEN_PROMPT = List.of(1, 147, 201, 282, 215, 286, 704, 905);

    private static final List<Integer> GOLDEN = List.of(
            436, 1027, 1376, 1203, 615, 97, 328, 552, 1191, 1269, 152, 1191, 115, 1251, 292, 113, 355, 265, 2029, 1324);

    private static String join(List<Integer> ids) {
        return String.join(",", ids.stream().map(String::valueOf).toList());
    }

    private static List<Integer> integers(JsonNode array) {
        return IntStream.range(0, array.size())
                .mapToObj(i -> array.get(i).intValue())
                .toList();
    }

    @Test
    void describesARestaurantWithoutAnyOption() {
        Run run = Run.lte("generate", "--temperature", "0");

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out())
                .startsWith("Input:\nname[The Wrestlers]")
                .containsPattern("Output:\n.*The Wrestlers.*Italian");
        assertThat(run.err()).containsPattern("FFN sparsity [89]");
    }

    @Test
    void modelsOfTheExamplesHaveNames() {
        assertThat(Run.lte("info", "--model", "e2e-restaurants").out()).contains("lte.expert_size = 32");
        assertThat(Run.lte("info", "--model", "no-such-model").err()).contains("no-such-model");
    }

    @Test
    void tellsAStory() {
        Run run = Run.lte("generate", "--prompt", "Once upon a time");

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).startsWith("Once upon a time").hasSizeGreaterThan(100);
        assertThat(run.err()).contains("tokens/s", "cpu", "seed");
    }

    /** A cache in 8 bits keeps the first tokens of the story. */
    @Test
    void continuesOverACacheOfBlocks() {
        for (String backend : List.of("cpu", "reference")) {
            JsonNode json = Run.lte(
                            "generate",
                            "--ids",
                            join(GOLDEN_PROMPT),
                            "--temperature",
                            "0",
                            "--max-tokens",
                            "8",
                            "--backend",
                            backend,
                            "--cache-type",
                            "q8_0",
                            "--json")
                    .json();

            assertThat(integers(json.get("ids"))).as(backend).isEqualTo(GOLDEN.subList(0, 8));
        }
    }

    @Test
    void continuesGoldenIdsOnBothBackends() {
        for (String backend : List.of("cpu", "reference")) {
            JsonNode json = Run.lte(
                            "generate",
                            "--ids",
                            join(GOLDEN_PROMPT),
                            "--temperature",
                            "0",
                            "--max-tokens",
                            String.valueOf(GOLDEN.size()),
                            "--backend",
                            backend,
                            "--json")
                    .json();

            assertThat(integers(json.get("ids"))).as(backend).isEqualTo(GOLDEN);
            assertThat(json.get("text").stringValue()).startsWith("loved to eat yummy food.");
            assertThat(json.get("backend").stringValue()).isEqualTo(backend);
            assertThat(json.get("promptTokens").intValue()).isEqualTo(GOLDEN_PROMPT.size());
            assertThat(json.get("generatedTokens").intValue()).isEqualTo(GOLDEN.size());
            assertThat(json.get("finishReason").stringValue()).isEqualTo("length");
            assertThat(json.get("timeToFirstTokenMs").doubleValue()).isPositive();
            assertThat(json.get("tokensPerSecond").doubleValue()).isPositive();
            assertThat(json.get("sparsity").get("mean").doubleValue()).isZero();
            assertThat(json.get("sparsity").get("perLayer").size()).isEqualTo(2);
        }
    }

    @Test
    void aSeedTellsTheSameStoryAgain() {
        Run first = Run.lte("generate", "--prompt", "Once upon a time", "--seed", "7", "--max-tokens", "40");
        Run second = Run.lte("generate", "--prompt", "Once upon a time", "--seed", "7", "--max-tokens", "40");
        Run other = Run.lte("generate", "--prompt", "Once upon a time", "--seed", "8", "--max-tokens", "40");

        assertThat(second.out()).isEqualTo(first.out());
        assertThat(other.out()).isNotEqualTo(first.out());
    }

    @Test
    void stopsBeforeAStopText() {
        String whole = Run.lte("generate", "--prompt", "Once upon a time", "--temperature", "0", "--max-tokens", "60")
                .out();
        String cut = Run.lte(
                        "generate",
                        "--prompt",
                        "Once upon a time",
                        "--temperature",
                        "0",
                        "--max-tokens",
                        "60",
                        "--stop",
                        ".")
                .out();

        assertThat(cut.strip()).isEqualTo(whole.substring(0, whole.indexOf('.')).strip());
    }

    @Test
    void logitsPredictTheGoldenContinuation() {
        JsonNode logits =
                Run.lte("logits", "--ids", join(GOLDEN_PROMPT), "--json").json().get("logits");

        assertThat(logits.size()).isEqualTo(GOLDEN_PROMPT.size());
        JsonNode last = logits.get(logits.size() - 1);
        int best = IntStream.range(0, last.size())
                .reduce(0, (a, b) -> last.get(b).floatValue() > last.get(a).floatValue() ? b : a);
        assertThat(best).isEqualTo(GOLDEN.getFirst());
    }

    @Test
    void tokenizesAndBack() {
        JsonNode encoded = Run.lte("tokenize", "Once upon a time", "--json").json();
        String decoded = Run.lte("tokenize", "--decode", join(integers(encoded.get("ids"))), "--json")
                .json()
                .get("text")
                .stringValue();

        assertThat(decoded).isEqualTo("Once upon a time");
    }

    @Test
    void infoNamesArchitectureTypesAndRouting() {
        Run run = Run.lte("info", "--tensors");

        assertThat(run.out()).contains("GGUF v3", "BF16", "token_embd.weight", "none: a dense model", "llama");
    }

    @Test
    void convertedModelsTellTheSameStoryAsFarAsTheirTypeAllows(@TempDir Path folder) {
        Path story = Path.of(System.getProperty(ModelOptions.MODELS_PROPERTY), "tinystories-656k.gguf");
        String expected = Run.lte(
                        "generate", "--prompt", "Once upon a time", "--temperature", "0", "--max-tokens", "40")
                .out();
        for (String type : List.of("f32", "bf16", "f16", "q8_0", "q4_0")) {
            Path target = folder.resolve(type + ".gguf");
            Run convert = Run.lte("convert", story.toString(), target.toString(), "--type", type);
            assertThat(convert.exitCode()).as(convert.err()).isZero();

            Run run = Run.lte("generate", "--model", target.toString(), "--temperature", "0", "--max-tokens", "40");

            assertThat(run.exitCode()).as(run.err()).isZero();
            if (type.equals("f32") || type.equals("bf16")) {
                // The original is BF16, so both hold the same values.
                assertThat(run.out()).as(type).isEqualTo(expected);
            } else {
                assertThat(run.out()).as(type).startsWith("Once upon a time").hasSizeGreaterThan(80);
            }
        }
    }

    @Test
    void benchReportsMediansAndTraffic() {
        JsonNode json = Run.lte("bench", "--prompt-tokens", "16", "--generate-tokens", "16", "--repeat", "3", "--json")
                .json();

        assertThat(json.get("backend").stringValue()).isEqualTo("cpu");
        assertThat(json.get("threads").intValue()).isPositive();
        assertThat(json.get("promptTokensPerSecond").doubleValue()).isPositive();
        assertThat(json.get("generatedTokensPerSecond").doubleValue()).isPositive();
        assertThat(json.get("bytesPerToken").longValue()).isBetween(1_000_000L, 2_000_000L);
        assertThat(json.get("spread").get("generated").doubleValue()).isNotNegative();
        assertThat(json.get("sparsity").doubleValue()).isZero();
    }

    @Test
    void syntheticRoutersLeaveTheAskedShareOff(@TempDir Path folder) {
        Path target = folder.resolve("synthetic.gguf");
        Run synth = Run.lte(
                "synth",
                "--shape",
                "tinyllama-1.1b",
                "--layers",
                "1",
                "--type",
                "q8_0",
                "--ffn-sparsity",
                "0.8",
                "--out",
                target.toString());
        assertThat(synth.exitCode()).as(synth.err()).isZero();

        JsonNode routed = bench(target);
        JsonNode dense = bench(target, "--dense");

        // 16 + 15 tokens of 176 experts: the standard error of the share is below 0.01.
        assertThat(routed.get("sparsity").doubleValue()).isBetween(0.77, 0.83);
        assertThat(dense.get("sparsity").doubleValue()).isZero();
        assertThat(routed.get("bytesPerToken").longValue())
                .isLessThan(dense.get("bytesPerToken").longValue());
        assertThat(Run.lte("info", "--model", target.toString()).out()).contains("lte.expert_size", "lte.threshold");
    }

    private static JsonNode bench(Path model, String... more) {
        String[] arguments = {
            "bench",
            "--model",
            model.toString(),
            "--prompt-tokens",
            "16",
            "--generate-tokens",
            "16",
            "--repeat",
            "1",
            "--json"
        };
        String[] all = Arrays.copyOf(arguments, arguments.length + more.length);
        System.arraycopy(more, 0, all, arguments.length, more.length);
        return Run.lte(all).json();
    }

    @Test
    void aThresholdIsRefusedByADenseModel() {
        Run run = Run.lte("generate", "--prompt", "Once upon a time", "--threshold", "0.6");

        assertThat(run.exitCode()).isEqualTo(LteCommand.WRONG_OPTIONS);
        assertThat(run.err()).contains("threshold", "no routers");
    }

    @Test
    void aForcedBackendThatCannotRunFailsWithAllReasons() {
        Run run = Run.lte("generate", "--backend", "tpu");

        assertThat(run.exitCode()).isEqualTo(LteCommand.FAILED);
        assertThat(run.err()).contains("there is no backend tpu", "cpu: available", "reference: available", "cuda: ");
    }
}
