package dev.lte.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a token costs on the heap, in all threads, when everything is compiled. */
@Tag("long")
class GenerationAllocationTest {
    private static final Duration WARM_UP = Duration.ofSeconds(60);
    private static final int TOKENS = 256;

    /** Prompt, buffers and the first pages of the cache come before. */
    private static final int FIRST = 64;

    /**
     * An event takes 112 bytes: delta, text, its bytes, list, number. The rest is what grows now and then, such as the list of all tokens,
     * and small objects that C2 removes in some processes and not in others.
     */
    private static final long LIMIT = 256;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Remembers what had been allocated at each token. */
    private final class Meter {
        final long[] allocated = new long[TOKENS];
        int tokens;

        void count(GenerationEvent event) {
            if (event instanceof TextDelta) {
                allocated[tokens++] = threads.getTotalThreadAllocatedBytes();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 0.8f})
    void aTokenAllocatesItsEventAndNothingElse(float temperature) {
        Path story = Path.of("..", "examples", "models", "tinystories-656k.gguf");
        try (Model model = Lte.load(story, LoadOptions.of(o -> o.backend("cpu")))) {
            long end = System.nanoTime() + WARM_UP.toNanos();
            long least = Long.MAX_VALUE;
            while (least > LIMIT && System.nanoTime() < end) {
                least = Math.min(least, bytesPerToken(model, temperature));
            }
            assertThat(least).isLessThanOrEqualTo(LIMIT);
        }
    }

    private long bytesPerToken(Model model, float temperature) {
        Meter meter = new Meter();
        Sampling sampling = Sampling.defaults()
                .withTemperature(temperature)
                .withTopK(40)
                .withTopP(0.9f)
                .withSeed(3);
        model.generate(GenerationRequest.of(r -> r.promptIds(List.of(1))
                        .maxTokens(TOKENS)
                        .ignoreEndOfText(true)
                        .sampling(sampling)))
                .doOnNext(meter::count)
                .blockLast();
        assertThat(meter.tokens).isEqualTo(TOKENS);
        return (meter.allocated[TOKENS - 1] - meter.allocated[FIRST]) / (TOKENS - 1 - FIRST);
    }
}
