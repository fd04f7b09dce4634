package dev.lte.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.GenerationRequest;
import dev.lte.Sampling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Keeps docs/follow-a-token.md true: its list of kernels is what a step of a routed Llama runs, in this order. */
class FollowATokenTest {
    private static final Path PAGE = Path.of("..", "docs", "follow-a-token.md");

    @Test
    void thePageListsTheKernelsOfOneToken() throws IOException {
        assertThat(kernelsOfSecondToken(Sampling.defaults())).isEqualTo(listed());
    }

    @Test
    void aGreedyStreamAddsAnArgmax() throws IOException {
        List<String> expected = new ArrayList<>(listed());
        expected.add("argmax");
        assertThat(kernelsOfSecondToken(Sampling.greedy())).isEqualTo(expected);
    }

    private static List<String> kernelsOfSecondToken(Sampling sampling) {
        try (TestEngine engine = new TestEngine(1, true)) {
            engine.model
                    .generate(GenerationRequest.of(r ->
                            r.promptIds(1).maxTokens(2).ignoreEndOfText(true).sampling(sampling)))
                    .blockLast(Duration.ofSeconds(10));
            List<String> kernels = engine.counting.kernels();
            return kernels.subList(kernels.lastIndexOf("embed"), kernels.size());
        }
    }

    /** The page's list, its block repeated for every layer. */
    private static List<String> listed() throws IOException {
        String page = Files.readString(PAGE);
        String list = page.substring(page.indexOf("```kernels\n") + "```kernels\n".length());
        List<String> before = new ArrayList<>();
        List<String> block = new ArrayList<>();
        List<String> after = new ArrayList<>();
        for (String line : list.substring(0, list.indexOf("```")).split("\n")) {
            if (line.startsWith("    ")) {
                block.add(line.trim());
            } else if (!line.isBlank() && !line.endsWith(":")) {
                (block.isEmpty() ? before : after).add(line.trim());
            }
        }
        List<String> all = new ArrayList<>(before);
        for (int layer = 0; layer < RandomModel.LAYERS; layer++) {
            all.addAll(block);
        }
        all.addAll(after);
        return all;
    }
}
