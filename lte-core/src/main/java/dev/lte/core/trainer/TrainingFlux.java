package dev.lte.core.trainer;

import dev.lte.backend.Backend;
import dev.lte.train.TrainingEvent;
import dev.lte.train.TrainingPlan;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Flux;

/** A training run that begins, or is resumed, with every subscription. */
public final class TrainingFlux extends Flux<TrainingEvent> {
    private final TrainingPlan plan;
    private final Supplier<Backend> backend;
    private final BooleanSupplier stopped;

    private TrainingFlux(TrainingPlan plan, Supplier<Backend> backend, BooleanSupplier stopped) {
        this.plan = plan;
        this.backend = backend;
        this.stopped = stopped;
    }

    /**
     * @param backend opens the plan's backend for a run
     * @param stopped asked between steps
     */
    public static Flux<TrainingEvent> of(TrainingPlan plan, Supplier<Backend> backend, BooleanSupplier stopped) {
        return onAssembly(new TrainingFlux(plan, backend, stopped));
    }

    @Override
    public void subscribe(CoreSubscriber<? super TrainingEvent> subscriber) {
        EventMailbox mailbox = new EventMailbox(subscriber);
        subscriber.onSubscribe(mailbox);
        mailbox.start();
        // Not a daemon: a run that is cancelled writes its checkpoint before the JVM ends.
        Thread.ofPlatform().name("lte-training").start(() -> run(mailbox));
    }

    private void run(EventMailbox mailbox) {
        Throwable failure = null;
        try {
            BooleanSupplier ends = () -> mailbox.isCancelled() || stopped.getAsBoolean();
            new Trainer(plan, backend, mailbox::add, ends).run();
        } catch (Throwable e) {
            failure = e;
        }
        mailbox.end(failure);
    }
}
