package dev.lte.examples.spark;

import dev.lte.InvalidRequestException;
import dev.lte.LoadOptions;
import java.io.Serializable;
import java.nio.file.Path;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkFiles;
import org.jspecify.annotations.Nullable;

/**
 * Where executors find a model, and how they load it.
 *
 * @param path GGUF file, hub directory or llama2.c checkpoint, the same on every machine; or the name of a shipped file
 * @param shipped whether Spark brings the file to the executors, see {@link #shipped(SparkContext, Path)}
 * @param backend name of a backend, or {@code auto}
 * @param threads host threads for kernels; 0 lets the backend choose
 * @param contextLength positions of a sequence; 0 for the model's own, at most 4096
 * @param maxStreams generations that an executor runs together
 * @param chatTemplate a Jinja template in place of the model's, or null
 */
public record ModelSource(
        String path,
        boolean shipped,
        String backend,
        int threads,
        int contextLength,
        int maxStreams,
        @Nullable String chatTemplate)
        implements Serializable {
    /** Tasks of an executor put their rows in line; each has {@link #maxStreams} of them there. */
    private static final int MAX_QUEUED = 1 << 16;

    public ModelSource {
        if (maxStreams < 1 || maxStreams > 256) {
            throw new InvalidRequestException("maxStreams", "1 to 256", maxStreams);
        }
    }

    /** A path that is there on every machine. */
    public static ModelSource of(Path path) {
        return new ModelSource(path.toString(), false, "auto", 0, 0, 8, null);
    }

    /** Has Spark bring a model of one file to the executors. */
    public static ModelSource shipped(SparkContext spark, Path file) {
        spark.addFile(file.toString());
        return new ModelSource(file.getFileName().toString(), true, "auto", 0, 0, 8, null);
    }

    public ModelSource withBackend(String name) {
        return new ModelSource(path, shipped, name, threads, contextLength, maxStreams, chatTemplate);
    }

    public ModelSource withThreads(int count) {
        return new ModelSource(path, shipped, backend, count, contextLength, maxStreams, chatTemplate);
    }

    public ModelSource withContextLength(int positions) {
        return new ModelSource(path, shipped, backend, threads, positions, maxStreams, chatTemplate);
    }

    public ModelSource withMaxStreams(int count) {
        return new ModelSource(path, shipped, backend, threads, contextLength, count, chatTemplate);
    }

    public ModelSource withChatTemplate(String jinja) {
        return new ModelSource(path, shipped, backend, threads, contextLength, maxStreams, jinja);
    }

    /** On an executor. */
    Path resolve() {
        return Path.of(shipped ? SparkFiles.get(path) : path);
    }

    LoadOptions loadOptions() {
        return LoadOptions.of(options -> {
            options.backend(backend)
                    .threads(threads)
                    .contextLength(contextLength)
                    .maxStreams(maxStreams)
                    .maxQueued(MAX_QUEUED);
            if (chatTemplate != null) {
                options.chatTemplate(chatTemplate);
            }
        });
    }
}
