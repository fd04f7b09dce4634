package dev.lte.examples.server;

import dev.lte.FinishReason;
import dev.lte.GenerationListener;
import dev.lte.Model;
import dev.lte.ModelInfo;
import dev.lte.ModelStatus;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.Usage;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import reactor.util.context.ContextView;

/**
 * Meters of a model and of the requests, in Prometheus' format. Give it to the model as its listener ({@link
 * dev.lte.LoadOptions.Builder#listener}) and to the server. Thread-safe.
 */
public final class ServerMetrics implements GenerationListener {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final Timer queued;
    private final Timer timeToFirstToken;
    private final Timer interToken;
    private final Counter promptTokens;
    private final Counter cachedTokens;
    private final Counter generatedTokens;
    private final DistributionSummary activeShare;

    public ServerMetrics() {
        queued = timer("lte.queue", "Time until work on a prompt could begin");
        timeToFirstToken = timer("lte.time.to.first.token", "Time from the request to the first token");
        interToken = timer("lte.inter.token", "Time between tokens of one stream");
        promptTokens = counter("lte.prompt.tokens", "Tokens of prompts");
        cachedTokens = counter("lte.cached.tokens", "Tokens of prompts that were found in the cache");
        generatedTokens = counter("lte.generated.tokens", "Tokens generated");
        activeShare = DistributionSummary.builder("lte.active.experts.share")
                .description("Share of the FFN neurons that ran, by answer")
                .register(registry);
    }

    private Timer timer(String name, String description) {
        return Timer.builder(name)
                .description(description)
                .publishPercentileHistogram()
                .minimumExpectedValue(Duration.ofMillis(1))
                .maximumExpectedValue(Duration.ofMinutes(2))
                .register(registry);
    }

    private Counter counter(String name, String description) {
        return Counter.builder(name).description(description).register(registry);
    }

    /** Adds gauges of what the model is busy with. */
    void watch(Model model) {
        gauge("lte.streams.running", "Streams that hold a place in the batch", model, ModelStatus::running);
        gauge("lte.streams.waiting", "Streams that wait for a place or for memory", model, ModelStatus::waiting);
        gauge("lte.cache.pages", "Pages of the key/value cache", model, ModelStatus::cachePages);
        gauge("lte.cache.pages.free", "Pages that hold nothing", model, ModelStatus::freePages);
        gauge(
                "lte.cache.pages.reusable",
                "Pages that hold prefixes of ended streams",
                model,
                ModelStatus::reusablePages);
    }

    private void gauge(String name, String description, Model model, ToDoubleFunction<ModelStatus> value) {
        Gauge.builder(name, model, m -> value.applyAsDouble(m.status()))
                .description(description)
                .register(registry);
    }

    /** An HTTP request was answered. */
    void answered(String route, int status) {
        registry.counter("lte.http.requests", Tags.of("route", route, "status", Integer.toString(status)))
                .increment();
    }

    String scrape() {
        return registry.scrape();
    }

    @Override
    public Observer started(String operation, ModelInfo model, ContextView context) {
        return new Observer() {
            private final @Nullable LiveSparsity live =
                    context.<LiveSparsity>getOrEmpty(LiveSparsity.class).orElse(null);
            private boolean first = true;

            @Override
            public void admitted(Duration waited, int prompt, int cached) {
                queued.record(waited);
                promptTokens.increment(prompt);
                cachedTokens.increment(cached);
            }

            @Override
            public void token(Duration sinceLast, Supplier<SparsityReport> sparsity) {
                if (live != null) {
                    live.offer(sparsity);
                }
                generatedTokens.increment();
                (first ? timeToFirstToken : interToken).record(sinceLast);
                first = false;
            }

            @Override
            public void completed(FinishReason reason, Usage usage, Timings timings, SparsityReport sparsity) {
                ended(operation, reason.name().toLowerCase(Locale.ROOT));
                activeShare.record(1 - sparsity.mean());
            }

            @Override
            public void failed(Throwable error) {
                ended(operation, "failed");
            }

            @Override
            public void cancelled() {
                ended(operation, "cancelled");
            }
        };
    }

    private void ended(String operation, String outcome) {
        registry.counter("lte.generations", Tags.of("operation", operation, "outcome", outcome))
                .increment();
    }
}
