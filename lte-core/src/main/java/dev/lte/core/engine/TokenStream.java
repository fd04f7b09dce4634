package dev.lte.core.engine;

import dev.lte.BackendFailureException;
import dev.lte.CapacityException;
import dev.lte.FinishReason;
import dev.lte.GenerationOptions;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.TokenLogProbability;
import dev.lte.Usage;
import dev.lte.core.sample.LogProbabilities;
import dev.lte.core.sample.Sampler;
import dev.lte.core.schema.TokenConstraint;
import dev.lte.core.sparse.SparsityMeter;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;

/**
 * One subscription to a generation. Signals come from the engine's thread, or, if it cannot be prepared, from the thread that
 * found that out. {@link #request} and {@link #cancel} may come from any thread and only leave a note.
 *
 * @param <E> the events
 */
final class TokenStream<E> extends Sequence implements Subscription {
    private static final System.Logger LOG = System.getLogger(TokenStream.class.getName());

    private final CoreSubscriber<? super E> subscriber;
    private final GenerationOptions options;
    private final Engine engine;
    private final TokenTexts texts;
    private final Sampler sampler;
    private final SparsityMeter meter;
    private final StreamClock clock;
    private final StreamObserver observer;
    private final Set<Integer> endIds;

    private final AtomicLong demand = new AtomicLong();
    private volatile boolean cancelled;
    private volatile @Nullable Throwable illegalRequest;

    private final Queue<E> ready = new ArrayDeque<>(2);
    private final Consumer<E> out = ready::add;
    private @Nullable Generation<E> generation;
    private long[] mask = new long[0];
    private int generated;
    private boolean finished;
    private boolean over;

    /** @param texts of the tokens, for those who ask how likely they were */
    TokenStream(
            CoreSubscriber<? super E> subscriber,
            GenerationOptions options,
            Engine engine,
            TokenTexts texts,
            SparsityMeter meter,
            StreamObserver observer) {
        this.subscriber = subscriber;
        this.options = options;
        this.engine = engine;
        this.texts = texts;
        this.meter = meter;
        this.observer = observer;
        clock = new StreamClock();
        sampler = new Sampler(
                options.sampling(),
                options.logitBias(),
                options.topLogProbabilities().orElse(-1));
        endIds = new HashSet<>(options.stopIds());
        if (!options.ignoreEndOfText()) {
            endIds.addAll(texts.endOfTextIds());
        }
    }

    /** The request has been checked. Called before the engine sees the stream. */
    void start(Generation<E> prepared) {
        generation = prepared;
        if (!options.ignoreEndOfText()) {
            endIds.addAll(prepared.endIds());
        }
        describe(prepared.prompt(), prepared.threshold(), prepared.realm());
        for (int id : prepared.prompt()) {
            sampler.acceptPrompt(id);
        }
    }

    private Generation<E> generation() {
        if (generation == null) {
            throw new IllegalStateException("expected a stream that has started");
        }
        return generation;
    }

    @Override
    public void request(long n) {
        if (n <= 0) {
            illegalRequest = new IllegalArgumentException(
                    "expected a demand of 1 or more, found " + n + " (Reactive Streams, rule 3.9)");
        } else if (demand.getAndAccumulate(n, Operators::addCap) == 0) {
            clock.demanded();
        }
        engine.wake();
    }

    @Override
    public void cancel() {
        cancelled = true;
        engine.wake();
    }

    boolean isCancelled() {
        return cancelled;
    }

    @Override
    boolean wantsStep() {
        return !finished && !cancelled && illegalRequest == null && demand.get() > 0;
    }

    @Override
    boolean wantsAllLogits() {
        return false;
    }

    @Override
    SparsityMeter meter() {
        return meter;
    }

    @Override
    boolean isArgmax() {
        return sampler.isPlainArgmax() && !isConstrained();
    }

    private boolean isConstrained() {
        return generation().constraint() != null && generation().writer().isConstrained();
    }

    @Override
    void onLogits(int first, int rows, float[] logits, int columns) {
        TokenConstraint constraint = generation().constraint();
        long[] allowed = null;
        if (constraint != null && isConstrained()) {
            if (mask.length == 0) {
                mask = new long[constraint.maskLength()];
            }
            Arrays.fill(mask, 0);
            constraint.writeMask(mask);
            allowed = mask;
        }
        onToken(sampler.choose(logits, (rows - 1) * columns, Math.min(texts.size(), columns), allowed));
    }

    @Override
    void onToken(int token) {
        clock.resume(demand.get() > 0);
        observer.token(clock.tick(generated == 0), meter);
        EventWriter<E> writer = generation().writer();
        if (endIds.contains(token)) {
            complete(writer.end(out));
            return;
        }
        sampler.accept(token);
        extend(token);
        generated++;
        boolean constrained = isConstrained();
        TokenConstraint constraint = generation().constraint();
        if (constraint != null && constrained) {
            constraint.accept(token);
        }
        boolean whole = constraint != null && constrained && constraint.isComplete();
        boolean full = whole || generated == generation().maxTokens();
        FinishReason reason = writer.token(token, logProbabilities(), full, out);
        if (reason != null) {
            complete(reason);
        } else if (full) {
            complete(whole ? writer.end(out) : FinishReason.LENGTH);
        }
    }

    private List<TokenLogProbability> logProbabilities() {
        List<LogProbabilities.Scored> scored = sampler.logProbabilities();
        return scored.isEmpty() ? List.of() : List.of(texts.describe(scored));
    }

    private void complete(FinishReason reason) {
        finished = true;
        Usage usage = new Usage(
                generation().prompt().length,
                cachedTokens(),
                generated,
                generation().writer().reasoningTokens());
        Timings timings = clock.timings(generated);
        SparsityReport sparsity = meter.report();
        ready.add(generation().writer().completed(reason, usage, timings, sparsity));
        observer.completed(reason, usage, timings, sparsity);
    }

    @Override
    void onAdmitted() {
        if (clock.admitted()) {
            observer.admitted(clock.queued(), generation().prompt().length, cachedTokens());
        }
    }

    @Override
    boolean isFinished() {
        return finished || cancelled;
    }

    @Override
    boolean isOver() {
        return over;
    }

    @Override
    void flush() {
        if (over) {
            return;
        }
        if (cancelled) {
            over = true;
            observer.cancelled();
            return;
        }
        Throwable illegal = illegalRequest;
        if (illegal != null) {
            fail(illegal);
            return;
        }
        clock.resume(demand.get() > 0);
        while (!ready.isEmpty() && demand.get() > 0 && !cancelled) {
            E event = ready.remove();
            if (demand.get() != Long.MAX_VALUE && demand.decrementAndGet() == 0) {
                clock.park();
            }
            emit(event);
        }
        if (finished && ready.isEmpty() && !cancelled && !over) {
            over = true;
            try {
                subscriber.onComplete();
            } catch (RuntimeException | Error e) {
                subscriberThrew(e);
            }
        }
    }

    private void emit(E event) {
        try {
            subscriber.onNext(event);
        } catch (RuntimeException | Error e) {
            subscriberThrew(e);
        }
    }

    /** A subscriber that throws breaks the contract of Reactive Streams; it counts as one that has cancelled. */
    private void subscriberThrew(Throwable thrown) {
        cancelled = true;
        LOG.log(Level.WARNING, "a subscriber threw from a signal, which ends its stream", thrown);
    }

    @Override
    void fail(Throwable reason) {
        if (over) {
            return;
        }
        over = true;
        finished = true;
        ready.clear();
        if (cancelled) {
            observer.cancelled();
            return;
        }
        Throwable told = told(reason);
        observer.failed(told);
        try {
            subscriber.onError(told);
        } catch (RuntimeException | Error e) {
            subscriberThrew(e);
        }
    }

    /** Reactor's operators throw errors of the JVM at their source instead of handing them on, and nobody would hear of the end. */
    private static Throwable told(Throwable reason) {
        return reason instanceof Error
                ? new BackendFailureException(
                        "the generation failed: " + reason,
                        "look at the cause; a missing class means an incomplete class path",
                        reason)
                : reason;
    }

    @Override
    long stallDeadline() {
        return over || cancelled || demand.get() > 0 ? Long.MAX_VALUE : clock.parkedSince() + engine.stallNanos();
    }

    /** What ends a stream that nobody reads. */
    CapacityException stalled() {
        return new CapacityException(
                "the subscriber asked for nothing for " + Duration.ofNanos(engine.stallNanos()),
                "request events as they are consumed, or load the model with a longer stall timeout");
    }
}
