package dev.lte.examples.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.GenerationRequest;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.TextDelta;
import io.micrometer.context.ContextRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import reactor.core.publisher.Hooks;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;

@Timeout(60)
class LteMetricsTest {
    private static final Path STORY = Path.of("..", "models", "tinystories-656k.gguf");
    private static final Duration SOON = Duration.ofSeconds(30);

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final ObservationRegistry observations = ObservationRegistry.create();
    private final List<Observation.Context> stopped = Collections.synchronizedList(new ArrayList<>());

    private Model load() {
        observations.observationConfig().observationHandler(new ObservationHandler<Observation.Context>() {
            @Override
            public boolean supportsContext(Observation.Context context) {
                return true;
            }

            @Override
            public void onStop(Observation.Context context) {
                stopped.add(context);
            }
        });
        LteMetrics metrics = new LteMetrics(meters, observations);
        Model model = Lte.load(STORY, LoadOptions.of(o -> o.backend("cpu").listener(metrics)));
        metrics.bind(model);
        return model;
    }

    private static GenerationRequest request(int tokens) {
        return GenerationRequest.of(
                r -> r.prompt("Once upon a time").maxTokens(tokens).ignoreEndOfText(true));
    }

    @Test
    void aGenerationIsMeasuredAndObserved() {
        try (Model model = load()) {
            Observation parent = Observation.start("request", observations);
            model.generate(request(6))
                    .contextWrite(Context.of("micrometer.observation", parent))
                    .blockLast(SOON);
            assertThat(meters.get("lte.tokens")
                            .tag("kind", "generated")
                            .counter()
                            .count())
                    .isEqualTo(6);
            assertThat(meters.get("lte.tokens").tag("kind", "prompt").counter().count())
                    .isPositive();
            assertThat(meters.get("lte.time.to.first.token").timer().count()).isEqualTo(1);
            assertThat(meters.get("lte.inter.token").timer().count()).isEqualTo(5);
            assertThat(meters.get("lte.queue").timer().count()).isEqualTo(1);
            assertThat(meters.get("lte.ffn.active").summary().mean()).isEqualTo(1);
            assertThat(meters.get("lte.generations")
                            .tag("outcome", "length")
                            .counter()
                            .count())
                    .isEqualTo(1);
            assertThat(meters.get("lte.cache.pages.total").gauge().value()).isPositive();
            assertThat(stopped).hasSize(1);
            assertThat(stopped.getFirst().getName()).isEqualTo(LteMetrics.OBSERVATION);
            assertThat(stopped.getFirst().getParentObservation()).isEqualTo(parent);
        }
    }

    @Test
    void errorsAndCancellationsAreOutcomes() {
        try (Model model = load()) {
            assertThat(model.generate(request(100_000))
                            .onErrorResume(error -> Mono.empty())
                            .collectList()
                            .block(SOON))
                    .isEmpty();
            model.generate(request(200)).blockFirst(SOON);
            long deadline = System.nanoTime() + SOON.toNanos();
            while (model.activeStreams() > 0 && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            assertThat(meters.get("lte.generations")
                            .tag("outcome", "ContextOverflowException")
                            .counter()
                            .count())
                    .isEqualTo(1);
            assertThat(meters.get("lte.generations")
                            .tag("outcome", "cancelled")
                            .counter()
                            .count())
                    .isEqualTo(1);
            assertThat(stopped).hasSize(2);
        }
    }

    /** What Spring and others switch on: values of thread locals travel in the context and are there again on the engine's thread. */
    @Test
    void threadLocalsAreRestoredWhereEventsArrive() {
        ThreadLocal<String> user = new ThreadLocal<>();
        ContextRegistry.getInstance().registerThreadLocalAccessor("user", user::get, user::set, user::remove);
        Hooks.enableAutomaticContextPropagation();
        try (Model model = load()) {
            user.set("ann");
            List<String> seen = model.generate(request(5))
                    .ofType(TextDelta.class)
                    .map(delta -> String.valueOf(user.get()))
                    .collectList()
                    .block(SOON);
            assertThat(seen).hasSize(5).containsOnly("ann");
        } finally {
            user.remove();
            Hooks.disableAutomaticContextPropagation();
            ContextRegistry.getInstance().removeThreadLocalAccessor("user");
        }
    }
}
