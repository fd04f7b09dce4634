package dev.lte.examples.micrometer;

import dev.lte.FinishReason;
import dev.lte.GenerationListener;
import dev.lte.Model;
import dev.lte.ModelInfo;
import dev.lte.ModelStatus;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.Usage;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import java.time.Duration;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import reactor.util.context.ContextView;

/**
 * Meters and observations of generations. Give it to {@code LoadOptions.listener}, and the loaded model to {@link #bind}:
 *
 * <pre>{@code
 * LteMetrics metrics = new LteMetrics(meters, observations);
 * Model model = Lte.load(file, LoadOptions.of(o -> o.listener(metrics)));
 * metrics.bind(model);
 * }</pre>
 *
 * <p>An observation {@value #OBSERVATION} spans every generation; its parent is the one in the subscriber's Reactor context.
 */
public final class LteMetrics implements GenerationListener {
    /** Name of the observations. */
    public static final String OBSERVATION = "lte.generation";

    /** Where Micrometer's context propagation keeps the current observation ({@code ObservationThreadLocalAccessor.KEY}). */
    private static final String CONTEXT_KEY = "micrometer.observation";

    private final MeterRegistry meters;
    private final ObservationRegistry observations;

    /** @param observations {@link ObservationRegistry#NOOP} for meters alone */
    public LteMetrics(MeterRegistry meters, ObservationRegistry observations) {
        this.meters = meters;
        this.observations = observations;
    }

    /** Gauges of the engine: streams that run and wait, pages of the cache. */
    public void bind(Model model) {
        gauge("lte.streams.running", model, ModelStatus::running);
        gauge("lte.streams.waiting", model, ModelStatus::waiting);
        gauge("lte.cache.pages.total", model, ModelStatus::cachePages);
        gauge("lte.cache.pages.free", model, ModelStatus::freePages);
        gauge("lte.cache.pages.reusable", model, ModelStatus::reusablePages);
    }

    private void gauge(String name, Model model, ToDoubleFunction<ModelStatus> value) {
        Gauge.builder(name, model, m -> value.applyAsDouble(m.status()))
                .tags(tags(model.info()))
                .register(meters);
    }

    private static Tags tags(ModelInfo model) {
        return Tags.of("model", model.name(), "backend", model.backend());
    }

    @Override
    public Observer started(String operation, ModelInfo model, ContextView context) {
        Tags tags = tags(model).and("operation", operation);
        Observation observation = Observation.createNotStarted(OBSERVATION, observations)
                .lowCardinalityKeyValue("operation", operation)
                .lowCardinalityKeyValue("model", model.name())
                .lowCardinalityKeyValue("backend", model.backend());
        if (context.hasKey(CONTEXT_KEY)) {
            observation.parentObservation(context.<Observation>get(CONTEXT_KEY));
        }
        return new Meters(tags, observation.start());
    }

    /** Meters of one generation. */
    private final class Meters implements Observer {
        private final Tags tags;
        private final Observation observation;
        private boolean hasToken;

        Meters(Tags tags, Observation observation) {
            this.tags = tags;
            this.observation = observation;
        }

        @Override
        public void admitted(Duration queued, int promptTokens, int cachedTokens) {
            meters.timer("lte.queue", tags).record(queued);
            observation.event(Observation.Event.of("admitted"));
        }

        @Override
        public void token(Duration sinceLast) {
            if (hasToken) {
                meters.timer("lte.inter.token", tags).record(sinceLast);
            } else {
                hasToken = true;
                observation.event(Observation.Event.of("first-token"));
            }
        }

        @Override
        public void completed(FinishReason reason, Usage usage, Timings timings, SparsityReport sparsity) {
            meters.timer("lte.time.to.first.token", tags).record(timings.timeToFirstToken());
            tokens("prompt", usage.promptTokens());
            tokens("cached", usage.cachedTokens());
            tokens("generated", usage.generatedTokens());
            tokens("reasoning", usage.reasoningTokens());
            meters.summary("lte.ffn.active", tags).record(1 - sparsity.mean());
            end(reason.name().toLowerCase(Locale.ROOT));
        }

        private void tokens(String kind, int count) {
            meters.counter("lte.tokens", tags.and("kind", kind)).increment(count);
        }

        @Override
        public void failed(Throwable error) {
            observation.error(error);
            end(error.getClass().getSimpleName());
        }

        @Override
        public void cancelled() {
            end("cancelled");
        }

        private void end(String outcome) {
            meters.counter("lte.generations", tags.and("outcome", outcome)).increment();
            observation.lowCardinalityKeyValue("outcome", outcome).stop();
        }
    }
}
