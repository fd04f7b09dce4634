package dev.lte.core.engine;

import dev.lte.CapacityException;
import dev.lte.Completed;
import dev.lte.FinishReason;
import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import dev.lte.TextDelta;
import dev.lte.Timings;
import dev.lte.Usage;
import dev.lte.core.sample.Sampler;
import dev.lte.core.sparse.SparsityMeter;
import dev.lte.core.token.StreamingDecoder;
import dev.lte.core.token.VocabularyTokenizer;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Subscription;
import reactor.core.CoreSubscriber;
import reactor.core.publisher.Operators;

/**
 * One subscription to a generation. Signals come from the engine's thread, or, while the engine has not seen it yet, from the
 * thread that encodes its prompt. {@link #request} and {@link #cancel} may come from any thread and only leave a note.
 */
final class TokenStream extends Sequence implements Subscription {
    private static final System.Logger LOG = System.getLogger(TokenStream.class.getName());

    private final CoreSubscriber<? super GenerationEvent> subscriber;
    private final GenerationRequest request;
    private final Engine engine;
    private final long subscribed = System.nanoTime();
    private final Sampler sampler;
    private final SparsityMeter meter;
    private final List<Integer> endOfTextIds;
    private final @Nullable VocabularyTokenizer tokenizer;
    private final int vocabulary;

    private final AtomicLong demand = new AtomicLong();
    /** When demand last rose from none. */
    private volatile long demanded;

    private volatile boolean cancelled;
    private volatile @Nullable Throwable illegalRequest;

    private final Queue<GenerationEvent> ready = new ArrayDeque<>(2);
    private @Nullable StreamingDecoder decoder;
    private int generated;
    private int last;
    private boolean finished;
    private boolean over;
    private long firstToken;
    private long lastToken;
    private long parked = System.nanoTime();
    private boolean isParked = true;
    private long idle;
    private long idleBeforeFirst;

    /**
     * @param vocabulary how many of the logits stand for tokens
     */
    TokenStream(
            CoreSubscriber<? super GenerationEvent> subscriber,
            GenerationRequest request,
            Engine engine,
            @Nullable VocabularyTokenizer tokenizer,
            int vocabulary,
            SparsityMeter meter) {
        this.subscriber = subscriber;
        this.request = request;
        this.engine = engine;
        this.tokenizer = tokenizer;
        this.vocabulary = vocabulary;
        this.meter = meter;
        sampler = new Sampler(request.sampling());
        endOfTextIds = tokenizer == null || request.ignoreEndOfText() ? List.of() : tokenizer.endOfTextIds();
    }

    /** The prompt's ids are known. Called before the engine sees the stream. */
    void start(int[] prompt, float threshold) {
        describe(prompt, threshold);
        for (int id : prompt) {
            sampler.accept(id);
        }
        if (tokenizer != null) {
            boolean begins = true;
            for (int id : prompt) {
                begins &= tokenizer.isSpecial(id);
            }
            decoder = new StreamingDecoder(tokenizer, begins, request.stopStrings());
        }
    }

    GenerationRequest generationRequest() {
        return request;
    }

    @Override
    public void request(long n) {
        if (n <= 0) {
            illegalRequest = new IllegalArgumentException(
                    "expected a demand of 1 or more, found " + n + " (Reactive Streams, rule 3.9)");
        } else {
            long before = demand.getAndAccumulate(n, Operators::addCap);
            if (before == 0) {
                demanded = System.nanoTime();
            }
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
    int maxPositions() {
        return prompt().length + request.maxTokens();
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
        return sampler.isPlainArgmax();
    }

    @Override
    void onLogits(int first, int rows, float[] logits, int columns) {
        onToken(sampler.choose(logits, (rows - 1) * columns, Math.min(vocabulary, columns)));
    }

    @Override
    void onToken(int token) {
        resume();
        long now = System.nanoTime();
        if (generated == 0) {
            firstToken = now;
            idleBeforeFirst = idle;
        }
        lastToken = now;
        if (endOfTextIds.contains(token)) {
            String held = decoder == null ? "" : decoder.finish();
            if (!held.isEmpty()) {
                ready.add(new TextDelta(held, List.of()));
            }
            complete(FinishReason.STOP);
            return;
        }
        sampler.accept(token);
        last = token;
        generated++;
        String text = decoder == null ? "" : decoder.append(token);
        boolean stopped = decoder != null && decoder.stopped();
        if (stopped || generated == request.maxTokens()) {
            String held = decoder == null ? "" : decoder.finish();
            ready.add(new TextDelta(text + held, List.of(token)));
            complete(stopped ? FinishReason.STOP : FinishReason.LENGTH);
        } else {
            ready.add(new TextDelta(text, List.of(token)));
        }
    }

    private void complete(FinishReason reason) {
        finished = true;
        long first = Math.max(0, firstToken - subscribed - idleBeforeFirst);
        long decode = Math.max(0, lastToken - firstToken - (idle - idleBeforeFirst));
        double perSecond = generated < 2 || decode == 0 ? 0 : (generated - 1) / (decode / 1e9);
        ready.add(new Completed(
                reason,
                new Usage(prompt().length, 0, generated),
                new Timings(Duration.ofNanos(first), Duration.ofNanos(decode), perSecond),
                meter.report()));
    }

    @Override
    int nextToken() {
        return last;
    }

    @Override
    boolean isFinished() {
        return finished || cancelled;
    }

    @Override
    boolean isOver() {
        return over;
    }

    /** Counts the time since the stream was parked until there was demand again as nobody's. */
    private void resume() {
        if (isParked && demand.get() > 0) {
            isParked = false;
            idle += Math.max(0, demanded - parked);
        }
    }

    @Override
    void flush() {
        if (over) {
            return;
        }
        if (cancelled) {
            over = true;
            return;
        }
        Throwable illegal = illegalRequest;
        if (illegal != null) {
            fail(illegal);
            return;
        }
        resume();
        while (!ready.isEmpty() && demand.get() > 0 && !cancelled) {
            GenerationEvent event = ready.remove();
            if (demand.get() != Long.MAX_VALUE && demand.decrementAndGet() == 0) {
                isParked = true;
                parked = System.nanoTime();
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

    private void emit(GenerationEvent event) {
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
        if (!cancelled) {
            try {
                subscriber.onError(reason);
            } catch (RuntimeException | Error e) {
                subscriberThrew(e);
            }
        }
    }

    @Override
    long stallDeadline() {
        return over || cancelled || demand.get() > 0 ? Long.MAX_VALUE : parked + engine.stallNanos();
    }

    /** What ends a stream that nobody reads. */
    CapacityException stalled() {
        return new CapacityException(
                "the subscriber asked for nothing for " + Duration.ofNanos(engine.stallNanos()),
                "request events as they are consumed, or load the model with a longer stall timeout");
    }
}
