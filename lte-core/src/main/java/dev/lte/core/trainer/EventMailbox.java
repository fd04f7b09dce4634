package dev.lte.core.trainer;

import dev.lte.train.TrainingEvent;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;

/**
 * Between a run, which never waits, and a subscriber, who may be slow: a bounded number of steps and all other events wait here
 * for demand, and a thread of its own delivers them. Thread-safe.
 */
final class EventMailbox implements Subscription {
    /** Steps that may wait; beyond that the oldest are left out. */
    static final int MOST_STEPS = 1024;

    private final CoreSubscriber<? super TrainingEvent> subscriber;
    private final Deque<TrainingEvent> waiting = new ArrayDeque<>();
    private int steps;
    private long demand;
    private boolean ended;
    private @Nullable Throwable failure;
    private volatile boolean cancelled;

    EventMailbox(CoreSubscriber<? super TrainingEvent> subscriber) {
        this.subscriber = subscriber;
    }

    /** Begins to deliver; after {@code onSubscribe}. */
    void start() {
        Thread.ofVirtual().name("lte-training-events").start(this::deliver);
    }

    boolean isCancelled() {
        return cancelled;
    }

    synchronized void add(TrainingEvent event) {
        if (cancelled) {
            return;
        }
        if (event instanceof TrainingEvent.Step && ++steps > MOST_STEPS) {
            Iterator<TrainingEvent> oldest = waiting.iterator();
            while (oldest.hasNext()) {
                if (oldest.next() instanceof TrainingEvent.Step) {
                    oldest.remove();
                    steps--;
                    break;
                }
            }
        }
        waiting.add(event);
        notifyAll();
    }

    /** @param cause null for completion */
    synchronized void end(@Nullable Throwable cause) {
        ended = true;
        failure = cause;
        notifyAll();
    }

    @Override
    public void request(long count) {
        if (!Operators.validate(count)) {
            return;
        }
        synchronized (this) {
            demand = Operators.addCap(demand, count);
            notifyAll();
        }
    }

    @Override
    public void cancel() {
        synchronized (this) {
            cancelled = true;
            waiting.clear();
            notifyAll();
        }
    }

    private void deliver() {
        while (true) {
            TrainingEvent event;
            synchronized (this) {
                while (!cancelled && !(ended && waiting.isEmpty()) && (demand == 0 || waiting.isEmpty())) {
                    try {
                        wait();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException("nobody interrupts this thread", e);
                    }
                }
                if (cancelled) {
                    return;
                }
                event = waiting.poll();
                if (event != null) {
                    demand -= demand == Long.MAX_VALUE ? 0 : 1;
                    steps -= event instanceof TrainingEvent.Step ? 1 : 0;
                }
            }
            if (event == null) {
                finish();
                return;
            }
            try {
                subscriber.onNext(event);
            } catch (Throwable e) {
                // Subscribers must not throw; one that does hears no more, and the run ends as if it had cancelled.
                cancel();
                throw e;
            }
        }
    }

    private void finish() {
        if (failure == null) {
            subscriber.onComplete();
        } else {
            subscriber.onError(failure);
        }
    }
}
