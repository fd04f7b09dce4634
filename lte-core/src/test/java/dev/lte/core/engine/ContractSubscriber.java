package dev.lte.core.engine;

import dev.lte.Completed;
import dev.lte.LteException;
import dev.lte.TextDelta;
import dev.lte.chat.ChatEvent;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;

/**
 * A subscriber that asks, waits and cancels at random, and writes down every breach of what a stream promises: signals one at a
 * time, no more events than were asked for, none behind the end, exactly one {@code Completed} before {@code onComplete}, texts
 * that join to the message, errors that are typed.
 */
final class ContractSubscriber<E> implements CoreSubscriber<E> {
    final CountDownLatch ended = new CountDownLatch(1);
    private final Random random;
    private final ScheduledExecutorService timer;
    private final int mostTokens;
    private final boolean staysToTheEnd;
    private final Queue<String> breaches = new ConcurrentLinkedQueue<>();
    private final AtomicInteger inside = new AtomicInteger();
    private final AtomicLong demand = new AtomicLong();
    private final StringBuilder text = new StringBuilder();
    private volatile @Nullable Subscription subscription;
    private boolean completed;
    private boolean over;

    /** @param mostTokens that may be generated, or 0 for as many as the context holds */
    ContractSubscriber(long seed, ScheduledExecutorService timer, int mostTokens) {
        random = new Random(seed);
        this.timer = timer;
        this.mostTokens = mostTokens;
        staysToTheEnd = random.nextBoolean();
    }

    /** What was broken; empty if nothing. */
    Queue<String> breaches() {
        return breaches;
    }

    private void signal(String name, Runnable what) {
        if (inside.getAndIncrement() != 0) {
            breaches.add(name + " while another signal was running");
        }
        if (over) {
            breaches.add(name + " behind the end");
        }
        try {
            what.run();
        } finally {
            inside.decrementAndGet();
        }
    }

    @Override
    public void onSubscribe(Subscription given) {
        signal("onSubscribe", () -> {
            if (subscription != null) {
                breaches.add("a second onSubscribe");
            }
            subscription = given;
        });
        next();
    }

    /** Asks now or later for one, some or all; half of them leave some day, or do nothing, which the stall timeout ends. */
    private void next() {
        switch (staysToTheEnd ? random.nextInt(2, 40) : random.nextInt(40)) {
            case 0 -> cancel();
            case 1 -> timer.schedule(this::cancel, random.nextInt(20), TimeUnit.MILLISECONDS);
            case 2 -> request(Long.MAX_VALUE);
            case 3 -> {
                if (staysToTheEnd) {
                    request(1);
                }
            }
            case 4, 5, 6, 7 -> timer.schedule(() -> request(1), random.nextInt(10), TimeUnit.MILLISECONDS);
            default -> request(1 + random.nextInt(4));
        }
    }

    private Subscription subscription() {
        return Objects.requireNonNull(subscription);
    }

    private void request(long n) {
        demand.accumulateAndGet(n, (have, more) -> have + more < 0 ? Long.MAX_VALUE : have + more);
        subscription().request(n);
    }

    /** Signals that were on their way may still come, so that only their order is looked at. */
    private void cancel() {
        subscription().cancel();
        ended.countDown();
    }

    @Override
    public void onNext(E event) {
        signal("onNext", () -> {
            if (demand.get() != Long.MAX_VALUE && demand.decrementAndGet() < 0) {
                breaches.add("an event that nobody asked for");
            }
            if (completed) {
                breaches.add("an event behind the last");
            }
            check(event);
        });
        if (demand.get() == 0 && !completed) {
            next();
        } else if (demand.get() == 0) {
            request(1); // the end needs no demand, and asking again must be harmless
        }
    }

    private void check(E event) {
        switch (event) {
            case TextDelta delta -> text.append(delta.text());
            case ChatEvent.TextDelta delta -> {
                text.append(delta.text());
                if (delta.text().isEmpty() && delta.logProbabilities().isEmpty()) {
                    breaches.add("an empty delta");
                }
            }
            case Completed last -> {
                completed = true;
                checkTokens(last.usage().generatedTokens());
            }
            case ChatEvent.Completed last -> {
                completed = true;
                checkTokens(last.usage().generatedTokens());
                if (!last.message().text().contentEquals(text)) {
                    breaches.add("deltas \"" + text + "\" and a message \""
                            + last.message().text() + '"');
                }
            }
            default -> {}
        }
    }

    private void checkTokens(int generated) {
        if (mostTokens > 0 && generated > mostTokens) {
            breaches.add(generated + " tokens of at most " + mostTokens);
        }
    }

    @Override
    public void onError(Throwable error) {
        signal("onError", () -> {
            over = true;
            if (completed) {
                breaches.add("an error behind the last event: " + error);
            }
            if (!(error instanceof LteException)) {
                breaches.add("an error of no type: " + error);
            }
        });
        ended.countDown();
    }

    @Override
    public void onComplete() {
        signal("onComplete", () -> {
            over = true;
            if (!completed) {
                breaches.add("an end without its event");
            }
        });
        ended.countDown();
    }
}
