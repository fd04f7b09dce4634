package dev.lte.core.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.BackendFailureException;
import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

class PreparationFailureTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    /** Operators of Reactor do not hand on a {@link LinkageError}, so that its stream would never end. */
    @Test
    void anErrorOfTheJvmEndsTheStreamWithATypedOne() {
        try (TestEngine engine = new TestEngine(1, false)) {
            AtomicBoolean heard = new AtomicBoolean();
            Flux<GenerationEvent> stream = new Flux<GenerationEvent>() {
                @Override
                public void subscribe(CoreSubscriber<? super GenerationEvent> subscriber) {
                    engine.model.<GenerationEvent>start(
                            subscriber,
                            "generate",
                            GenerationRequest.of(r -> r.prompt("once")).options(),
                            () -> {
                                throw new NoClassDefFoundError("gone");
                            });
                }
            }.doOnError(error -> heard.set(true));
            StepVerifier.create(stream)
                    .expectErrorSatisfies(error -> assertThat(error)
                            .isInstanceOf(BackendFailureException.class)
                            .hasMessageContaining("gone")
                            .hasCauseInstanceOf(NoClassDefFoundError.class))
                    .verify(SOON);
            assertThat(heard).isTrue();
        }
    }
}
