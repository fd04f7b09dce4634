package dev.lte.train;

import dev.lte.spi.ModelRuntime;
import java.util.concurrent.atomic.AtomicBoolean;
import reactor.core.publisher.Flux;

/** Runs a {@link TrainingPlan}. Thread-safe. */
public final class Training {
    private final TrainingPlan plan;
    private final AtomicBoolean stopped = new AtomicBoolean();

    private Training(TrainingPlan plan) {
        this.plan = plan;
    }

    public static Training of(TrainingPlan plan) {
        return new Training(plan);
    }

    public TrainingPlan plan() {
        return plan;
    }

    /**
     * The run.
     *
     * <p><b>Cold:</b> nothing happens before subscription. Every subscription is a run in the plan's folder, which one run at a
     * time may use. A folder with checkpoints of an equal plan is resumed: what follows is what would have followed, bit for bit,
     * on the same backend, device and number of threads.
     *
     * <p><b>Backpressure:</b> training does not wait for subscribers. Up to 1,024 {@linkplain TrainingEvent.Step steps} wait for
     * demand; beyond that the oldest are left out. Every other event is kept: the plan bounds how many there are.
     *
     * <p><b>Cancellation</b> ends the run within one step and leaves a checkpoint; {@link #stop} does the same and tells when it
     * is written.
     *
     * <p><b>Threading:</b> events are delivered on a thread of their own, never on the subscriber's or the one that trains.
     *
     * <p>The stream ends with {@link NonFiniteLossException} if a loss or gradient is no finite number, and with an
     * {@link dev.lte.LteException} for files, options or devices that do not do.
     */
    public Flux<TrainingEvent> events() {
        return ModelRuntime.find().train(plan, stopped::get);
    }

    /**
     * Ends running and later runs in order: after the step in progress a checkpoint is written, and the stream completes with
     * {@link TrainingEvent.Stopped}.
     */
    public void stop() {
        stopped.set(true);
    }
}
