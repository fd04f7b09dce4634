package dev.lte;

import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** How to load a model. Immutable; made by {@link #of}. */
public final class LoadOptions {
    private final String backend;
    private final int threads;
    private final int contextLength;
    private final boolean dense;
    private final int maxStreams;
    private final int maxQueued;
    private final Duration stallTimeout;
    private final CacheType cacheType;
    private final long cacheBytes;
    private final boolean prefixCache;
    private final @Nullable Path weightCache;
    private final @Nullable String chatTemplate;
    private final @Nullable GenerationListener listener;
    private final Consumer<Progress> progress;

    private LoadOptions(Builder builder) {
        backend = builder.backend;
        threads = builder.threads;
        contextLength = builder.contextLength;
        dense = builder.dense;
        maxStreams = builder.maxStreams;
        maxQueued = builder.maxQueued;
        stallTimeout = builder.stallTimeout;
        cacheType = builder.cacheType;
        cacheBytes = builder.cacheBytes;
        prefixCache = builder.prefixCache;
        weightCache = builder.weightCache;
        chatTemplate = builder.chatTemplate;
        listener = builder.listener;
        progress = builder.progress;
    }

    public static LoadOptions defaults() {
        return new LoadOptions(new Builder());
    }

    public static LoadOptions of(Consumer<Builder> description) {
        Builder builder = new Builder();
        description.accept(builder);
        return new LoadOptions(builder);
    }

    public String backend() {
        return backend;
    }

    public int threads() {
        return threads;
    }

    public int contextLength() {
        return contextLength;
    }

    public boolean dense() {
        return dense;
    }

    public int maxStreams() {
        return maxStreams;
    }

    public int maxQueued() {
        return maxQueued;
    }

    public Duration stallTimeout() {
        return stallTimeout;
    }

    public CacheType cacheType() {
        return cacheType;
    }

    public long cacheBytes() {
        return cacheBytes;
    }

    public boolean prefixCache() {
        return prefixCache;
    }

    /** The folder for packed weights, or null. */
    public @Nullable Path weightCache() {
        return weightCache;
    }

    /** The chat template to use, or null for the model's own. */
    public @Nullable String chatTemplate() {
        return chatTemplate;
    }

    /** Who hears of generations, or null. */
    public @Nullable GenerationListener listener() {
        return listener;
    }

    public Consumer<Progress> progress() {
        return progress;
    }

    /** Not thread-safe. */
    public static final class Builder {
        private String backend = "auto";
        private int threads;
        private int contextLength;
        private boolean dense;
        private int maxStreams = 8;
        private int maxQueued = 64;
        private Duration stallTimeout = Duration.ofMinutes(5);
        private CacheType cacheType = CacheType.AUTO;
        private long cacheBytes = 512L << 20;
        private boolean prefixCache = true;
        private @Nullable Path weightCache;
        private @Nullable String chatTemplate;
        private @Nullable GenerationListener listener;
        private Consumer<Progress> progress = update -> {};

        private Builder() {}

        /** A provider's name, which then must be available, or {@code auto} (the default) for the best available. */
        public Builder backend(String name) {
            backend = name;
            return this;
        }

        /** Host threads for kernels; 0 (the default) lets the backend choose. */
        public Builder threads(int count) {
            require(count >= 0 && count <= 1024, "threads", "0 to 1024", count);
            threads = count;
            return this;
        }

        /** Positions that a sequence may take; 0 (the default) for the model's own, at most 4096. */
        public Builder contextLength(int positions) {
            require(positions >= 0, "contextLength", "0 or more", positions);
            contextLength = positions;
            return this;
        }

        /** Ignores the model's routers and runs every expert, for comparisons. */
        public Builder dense(boolean ignoreRouters) {
            dense = ignoreRouters;
            return this;
        }

        /** Streams that decode together. 1 to 256, 8 by default. */
        public Builder maxStreams(int count) {
            require(count >= 1 && count <= 256, "maxStreams", "1 to 256", count);
            maxStreams = count;
            return this;
        }

        /** Streams that may wait for a place; one more ends with {@link CapacityException}. 64 by default. */
        public Builder maxQueued(int count) {
            require(count >= 0, "maxQueued", "0 or more", count);
            maxQueued = count;
            return this;
        }

        /** How long a stream may stay without demand before it ends with {@link CapacityException}. 5 minutes by default. */
        public Builder stallTimeout(Duration timeout) {
            require(timeout.isPositive(), "stallTimeout", "a positive duration", timeout);
            stallTimeout = timeout;
            return this;
        }

        /** Element type of the key/value cache; {@link CacheType#AUTO} by default. */
        public Builder cacheType(CacheType type) {
            cacheType = type;
            return this;
        }

        /**
         * Memory for the key/value caches of all streams, 512 MiB by default. It always holds at least one whole context, and
         * never more than {@code maxStreams} of them; streams that do not fit wait.
         */
        public Builder cacheBytes(long bytes) {
            require(bytes > 0, "cacheBytes", "1 or more", bytes);
            cacheBytes = bytes;
            return this;
        }

        /**
         * Whether keys and values of ended streams stay in the cache, as long as no other stream needs the memory, for those that
         * begin with the same tokens. On by default.
         */
        public Builder prefixCache(boolean reuse) {
            prefixCache = reuse;
            return this;
        }

        /**
         * A folder in which the backend keeps the weights as it packed them, so that the next load maps them instead of packing
         * again; as large as the model. What is found there is checked; what was packed of a model file that has changed since is
         * made anew. Backends that do not pack leave the folder alone. None by default.
         */
        public Builder weightCache(Path folder) {
            weightCache = folder;
            return this;
        }

        /** A Jinja chat template in place of the one in the model's file. */
        public Builder chatTemplate(String jinja) {
            chatTemplate = jinja;
            return this;
        }

        /** Hears of every generation, for metrics and traces; none by default. */
        public Builder listener(GenerationListener hears) {
            listener = hears;
            return this;
        }

        /** Called on the loading thread as weights are read and packed. */
        public Builder progress(Consumer<Progress> listener) {
            progress = listener;
            return this;
        }

        private static void require(boolean inRange, String option, String expected, Object found) {
            if (!inRange) {
                throw new InvalidRequestException(option, expected, found);
            }
        }
    }
}
