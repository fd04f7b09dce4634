package dev.lte.examples.springboot;

import dev.lte.CacheType;
import dev.lte.LoadOptions;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.core.io.Resource;
import org.springframework.util.unit.DataSize;

/**
 * Which model, and how it is loaded.
 *
 * @param model GGUF file, hub directory or llama2.c checkpoint; without it nothing is configured
 * @param backend name of a backend, or auto for the best available
 * @param threads host threads for kernels; 0 lets the backend choose
 * @param contextLength positions that a sequence may take; 0 for the model's own, at most 4096
 * @param dense whether the model's routers are ignored and every expert runs
 * @param maxStreams streams that decode together
 * @param maxQueued streams that may wait for a place
 * @param stallTimeout how long a stream may stay without demand
 * @param cacheType element type of the key/value cache
 * @param cacheSize memory for the key/value caches of all streams
 * @param prefixCache whether keys and values of ended streams are used by those that begin alike
 * @param chatTemplate a Jinja chat template in place of the one in the model's file
 */
@ConfigurationProperties("lte")
public record LteProperties(
        Path model,
        @DefaultValue("auto") String backend,
        @DefaultValue("0") int threads,
        @DefaultValue("0") int contextLength,
        @DefaultValue("false") boolean dense,
        @DefaultValue("8") int maxStreams,
        @DefaultValue("64") int maxQueued,
        @DefaultValue("5m") Duration stallTimeout,
        @DefaultValue("auto") CacheType cacheType,
        @DefaultValue("512MB") DataSize cacheSize,
        @DefaultValue("true") boolean prefixCache,
        @Nullable Resource chatTemplate) {
    /** @throws dev.lte.InvalidRequestException if a value is out of range */
    void apply(LoadOptions.Builder options) {
        options.backend(backend)
                .threads(threads)
                .contextLength(contextLength)
                .dense(dense)
                .maxStreams(maxStreams)
                .maxQueued(maxQueued)
                .stallTimeout(stallTimeout)
                .cacheType(cacheType)
                .cacheBytes(cacheSize.toBytes())
                .prefixCache(prefixCache);
    }
}
