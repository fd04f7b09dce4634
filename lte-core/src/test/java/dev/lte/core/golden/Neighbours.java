package dev.lte.core.golden;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.GenerationRequest;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The same seed gives the same tokens whatever runs beside a stream and whatever ran before it. For backends whose kernels
 * compute a row in the same way however many rows there are.
 */
public abstract class Neighbours {
    @TempDir
    Path temporary;

    /** Name of the backend under test. */
    protected abstract String backend();

    private static Mono<List<Integer>> ids(Model model, GenerationRequest request) {
        return model.generate(request)
                .ofType(TextDelta.class)
                .flatMapIterable(TextDelta::tokenIds)
                .collectList();
    }

    private static GenerationRequest request(Random random) {
        String beginning =
                "Once upon a time there was a little girl who liked to play outside with her big red ball. One day ";
        String prompt = beginning.substring(0, 1 + random.nextInt(beginning.length()));
        int tokens = 1 + random.nextInt(80);
        float temperature = random.nextInt(3) == 0 ? 0 : 1;
        long seed = random.nextInt(3);
        return GenerationRequest.of(r -> r.prompt(prompt)
                .maxTokens(tokens)
                .ignoreEndOfText(true)
                .sampling(Sampling.defaults().withTemperature(temperature).withSeed(seed)));
    }

    @Test
    void neitherNeighboursNorTheCacheChangeTokens() throws IOException {
        Path folder = Resources.folder("/dev/lte/core/stories260K", temporary);
        List<Path> models = List.of(
                folder.resolve("stories260K.bin"), Path.of("..", "examples", "models", "tinystories-656k.gguf"));
        for (Path file : models) {
            Random random = new Random(7);
            List<GenerationRequest> requests = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
                requests.add(request(random));
            }
            List<List<Integer>> alone = new ArrayList<>();
            try (Model model = Lte.load(
                    file, LoadOptions.of(o -> o.backend(backend()).maxStreams(1).prefixCache(false)))) {
                requests.forEach(request -> alone.add(ids(model, request).block()));
            }
            for (long cacheBytes : new long[] {64L << 20, 1}) {
                try (Model model = Lte.load(
                        file,
                        LoadOptions.of(o -> o.backend(backend()).maxStreams(7).cacheBytes(cacheBytes)))) {
                    for (int round = 0; round < 2; round++) {
                        List<List<Integer>> together = Flux.fromIterable(requests)
                                .flatMapSequential(request -> ids(model, request), 12)
                                .collectList()
                                .block();
                        assertThat(together)
                                .as("%s, cache of %d bytes, round %d", file, cacheBytes, round)
                                .isEqualTo(alone);
                    }
                }
            }
        }
    }
}
