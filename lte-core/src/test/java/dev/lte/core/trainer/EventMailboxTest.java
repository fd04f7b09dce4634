package dev.lte.core.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.train.TrainingEvent;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.test.StepVerifier;

class EventMailboxTest {
    private final AtomicReference<EventMailbox> mailbox = new AtomicReference<>();

    private Flux<TrainingEvent> events() {
        return new Flux<>() {
            @Override
            public void subscribe(reactor.core.CoreSubscriber<? super TrainingEvent> subscriber) {
                EventMailbox box = new EventMailbox(subscriber);
                mailbox.set(box);
                subscriber.onSubscribe(box);
                box.start();
            }
        };
    }

    private static TrainingEvent step(long number) {
        return new TrainingEvent.Step(
                number, 0, number, 10_000, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, List.of(), 1, 1, Duration.ZERO);
    }

    private static TrainingEvent checkpoint(long number) {
        return new TrainingEvent.CheckpointWritten(number, Path.of("file"));
    }

    @Test
    void aSubscriberThatIsFarBehindMissesTheOldestStepsAndNothingElse() {
        int steps = EventMailbox.MOST_STEPS + 500;
        StepVerifier.create(events(), 0)
                .then(() -> {
                    for (int i = 1; i <= steps; i++) {
                        mailbox.get().add(step(i));
                        if (i % 100 == 0) {
                            mailbox.get().add(checkpoint(i));
                        }
                    }
                    mailbox.get().end(null);
                })
                .thenRequest(Long.MAX_VALUE)
                .recordWith(java.util.ArrayList::new)
                .thenConsumeWhile(event -> true)
                .consumeRecordedWith(got -> {
                    List<Long> left = got.stream()
                            .filter(TrainingEvent.Step.class::isInstance)
                            .map(event -> ((TrainingEvent.Step) event).step())
                            .toList();
                    assertThat(left).hasSize(EventMailbox.MOST_STEPS).isSorted();
                    assertThat(left.getLast()).isEqualTo(steps);
                    assertThat(got.stream().filter(TrainingEvent.CheckpointWritten.class::isInstance))
                            .hasSize(steps / 100);
                })
                .verifyComplete();
    }

    @Test
    void nothingComesWithoutDemand() {
        StepVerifier.create(events(), 0)
                .expectSubscription()
                .then(() -> {
                    mailbox.get().add(step(1));
                    mailbox.get().add(step(2));
                })
                .expectNoEvent(Duration.ofMillis(50))
                .thenRequest(1)
                .expectNext(step(1))
                .expectNoEvent(Duration.ofMillis(50))
                .thenRequest(1)
                .expectNext(step(2))
                .then(() -> mailbox.get().end(new IllegalStateException("broken")))
                .verifyErrorMessage("broken");
    }

    @Test
    void eventsComeOnAThreadOfTheirOwn() {
        Thread test = Thread.currentThread();
        StepVerifier.create(events().doOnNext(
                                event -> assertThat(Thread.currentThread()).isNotSameAs(test)))
                .then(() -> mailbox.get().add(step(1)))
                .expectNextCount(1)
                .then(() -> mailbox.get().end(null))
                .verifyComplete();
    }

    @Test
    void aCancelledSubscriberHearsNoMore() {
        StepVerifier.create(events(), 1)
                .then(() -> mailbox.get().add(step(1)))
                .expectNext(step(1))
                .thenCancel()
                .verify();
        assertThat(mailbox.get().isCancelled()).isTrue();
        mailbox.get().add(step(2));
        mailbox.get().end(null);
    }
}
