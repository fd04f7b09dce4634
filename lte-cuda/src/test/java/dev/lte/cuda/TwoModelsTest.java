package dev.lte.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.Completed;
import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * Models of one process share the driver's context: what one of them loads, records or closes must not disturb what another one
 * records or computes.
 */
@EnabledIf("dev.lte.cuda.CudaBackendContractTest#isDeviceHere")
class TwoModelsTest {
    private static final int THREADS = 4;
    private static final int ROUNDS = 6;
    private static final Path STORY = Path.of("..", "examples", "models", "tinystories-656k.gguf");

    @Test
    void loadRecordAndCloseBesideEachOther() {
        String alone = story();
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<CompletableFuture<Void>> all = IntStream.range(0, THREADS)
                    .mapToObj(thread -> CompletableFuture.runAsync(
                            () -> {
                                for (int round = 0; round < ROUNDS; round++) {
                                    assertThat(story())
                                            .as("thread %d, round %d", thread, round)
                                            .isEqualTo(alone);
                                }
                            },
                            threads))
                    .toList();
            all.forEach(CompletableFuture::join);
        }
    }

    private static String story() {
        try (Model model =
                Lte.load(STORY, LoadOptions.of(load -> load.backend("cuda").maxStreams(2)))) {
            StringBuilder text = new StringBuilder();
            List<GenerationEvent> events = model.generate(GenerationRequest.of(request ->
                            request.prompt("Once upon a time").maxTokens(24).sampling(Sampling.greedy())))
                    .collectList()
                    .block();
            assertThat(events).isNotNull();
            for (GenerationEvent event : events) {
                switch (event) {
                    case TextDelta delta -> text.append(delta.text());
                    case Completed completed -> {}
                }
            }
            return text.toString();
        }
    }
}
