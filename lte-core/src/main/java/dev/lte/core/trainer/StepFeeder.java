package dev.lte.core.trainer;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/** Reads and tokenizes the next steps on a thread of its own while the device works. */
final class StepFeeder implements AutoCloseable {
    private static final int AHEAD = 4;

    private final RunData.Steps steps;
    private final BlockingQueue<Fed> ready = new ArrayBlockingQueue<>(AHEAD);
    private final Thread thread;

    /** A step, or why there is none. */
    private record Fed(@Nullable StepBatches step, @Nullable Throwable failure) {}

    /** @param steps without end; closed with this */
    StepFeeder(RunData.Steps steps) {
        this.steps = steps;
        thread = Thread.ofPlatform().daemon().name("lte-training-data").start(this::feed);
    }

    private void feed() {
        try {
            while (true) {
                Fed fed;
                try {
                    fed = new Fed(steps.next(), null);
                } catch (RuntimeException | Error e) {
                    fed = new Fed(null, e);
                }
                ready.put(fed);
                if (fed.step() == null) {
                    return;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The next step; throws what reading it threw. */
    StepBatches take() {
        try {
            Fed fed = ready.take();
            if (fed.failure() instanceof RuntimeException e) {
                throw e;
            } else if (fed.failure() instanceof Error e) {
                throw e;
            } else if (fed.step() == null) {
                throw new IllegalStateException("the data came to an end");
            }
            return fed.step();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }

    @Override
    public void close() {
        thread.interrupt();
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        steps.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
