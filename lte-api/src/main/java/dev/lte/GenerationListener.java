package dev.lte;

import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/**
 * Hears what happens to the generations of a model, for metrics and traces. Set with {@link LoadOptions.Builder#listener}; there
 * is none by default, and then nothing is measured for it.
 */
@FunctionalInterface
public interface GenerationListener {
    /**
     * A subscriber has come.
     *
     * @param operation {@code chat} or {@code generate}
     * @param context the subscriber's Reactor context, where traces travel
     * @return hears of this generation, or null
     */
    @Nullable
    Observer started(String operation, ModelInfo model, ContextView context);

    /**
     * Hears of one generation. Called on the engine's thread (or, before work begins, on that of the prompt): must be quick and
     * must not block. What it throws is logged and not passed on. Exactly one of completed, failed and cancelled ends it.
     */
    interface Observer {
        /** Work on the prompt can begin. */
        default void admitted(Duration queued, int promptTokens, int cachedTokens) {}

        /**
         * A token was generated.
         *
         * @param sinceLast since the token before, or since subscription for the first; time without demand included
         */
        default void token(Duration sinceLast) {}

        /**
         * As {@link #token(Duration)}, which it calls unless it is overridden.
         *
         * @param sparsity makes a report of all tokens of this generation so far; to be asked now or not at all
         */
        default void token(Duration sinceLast, Supplier<SparsityReport> sparsity) {
            token(sinceLast);
        }

        default void completed(FinishReason reason, Usage usage, Timings timings, SparsityReport sparsity) {}

        default void failed(Throwable error) {}

        default void cancelled() {}
    }
}
