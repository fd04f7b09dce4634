package dev.lte.examples.cli;

import dev.lte.LoadOptions;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How the model is run. */
class LoadOptionsMixin {
    @Option(
            names = {"-b", "--backend"},
            paramLabel = "NAME",
            defaultValue = "auto",
            description = "auto (the best available), cpu, cuda or reference; see 'lte backends'. Default: auto.")
    private String backend;

    @Option(
            names = {"-t", "--threads"},
            paramLabel = "N",
            description = "Threads for kernels on the host; 0 (the default) lets the backend choose.")
    private int threads;

    @Option(
            names = {"-c", "--context"},
            paramLabel = "N",
            description = "Positions that a sequence may take; 0 (the default) for the model's own, at most 4096.")
    private int context;

    @Option(names = "--dense", description = "Run every expert, whatever the model's routers say.")
    private boolean dense;

    @Option(
            names = "--weight-cache",
            paramLabel = "DIR",
            description =
                    "Keep packed weights in this folder, and map them from there the next time. They take as much space as"
                            + " the model.")
    private @Nullable Path weightCache;

    LoadOptions.Builder apply(LoadOptions.Builder options) {
        if (weightCache != null) {
            options.weightCache(weightCache);
        }
        // One command runs one stream: a cache for more would only take memory, and prompts found in it would not be
        // measured.
        return options.backend(backend)
                .threads(threads)
                .contextLength(context)
                .dense(dense)
                .maxStreams(1)
                .prefixCache(false);
    }

    int threads() {
        return threads;
    }

    boolean dense() {
        return dense;
    }
}
