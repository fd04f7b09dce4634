package dev.lte.core.engine;

import dev.lte.FinishReason;
import dev.lte.GenerationListener;
import dev.lte.ModelInfo;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.Usage;
import dev.lte.core.sparse.SparsityMeter;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/** Tells one listener of one stream, and keeps what it throws away from the engine. */
final class StreamObserver {
    private static final System.Logger LOG = System.getLogger(StreamObserver.class.getName());
    private static final StreamObserver NONE = new StreamObserver(null);

    private final GenerationListener.@Nullable Observer observer;
    private boolean ended;

    private StreamObserver(GenerationListener.@Nullable Observer observer) {
        this.observer = observer;
    }

    static StreamObserver of(
            @Nullable GenerationListener listener, String operation, ModelInfo model, ContextView context) {
        if (listener == null) {
            return NONE;
        }
        try {
            return new StreamObserver(listener.started(operation, model, context));
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "a generation listener threw", e);
            return NONE;
        }
    }

    void admitted(Duration queued, int promptTokens, int cachedTokens) {
        tell(o -> o.admitted(queued, promptTokens, cachedTokens));
    }

    void token(Duration sinceLast, SparsityMeter meter) {
        if (observer != null) {
            tell(o -> o.token(sinceLast, meter::report));
        }
    }

    void completed(FinishReason reason, Usage usage, Timings timings, SparsityReport sparsity) {
        end(o -> o.completed(reason, usage, timings, sparsity));
    }

    void failed(Throwable error) {
        end(o -> o.failed(error));
    }

    void cancelled() {
        end(GenerationListener.Observer::cancelled);
    }

    /** The first end counts: one who cancels when all has been generated has a generation that completed. */
    private void end(Consumer<GenerationListener.Observer> what) {
        if (observer != null && !ended) {
            ended = true;
            tell(what);
        }
    }

    private void tell(Consumer<GenerationListener.Observer> what) {
        if (observer == null) {
            return;
        }
        try {
            what.accept(observer);
        } catch (RuntimeException e) {
            LOG.log(Level.WARNING, "a generation listener threw", e);
        }
    }
}
