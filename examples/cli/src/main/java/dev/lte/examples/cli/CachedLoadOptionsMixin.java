package dev.lte.examples.cli;

import dev.lte.CacheType;
import dev.lte.LoadOptions;
import picocli.CommandLine.Option;

/** How the model is run, in commands that keep keys and values of the tokens before. */
final class CachedLoadOptionsMixin extends LoadOptionsMixin {
    @Option(
            names = "--cache-type",
            paramLabel = "TYPE",
            defaultValue = "auto",
            description =
                    "Type of cached keys and values: auto (f32 for models in f32, else f16), f32, f16 or q8_0, which takes"
                            + " 17/32 of the memory of f16 (backends cpu and reference). Default: auto.")
    private CacheType cacheType;

    @Override
    LoadOptions.Builder apply(LoadOptions.Builder options) {
        return super.apply(options).cacheType(cacheType);
    }
}
