package dev.lte.examples.cli;

import dev.lte.Sampling;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How the next token is chosen. Ranges are checked by {@link Sampling}. */
final class SamplingOptions {
    @Option(
            names = "--temperature",
            paramLabel = "T",
            defaultValue = "0.8",
            description = "0 always takes the most likely token. Default: 0.8.")
    private float temperature;

    @Option(
            names = "--top-k",
            paramLabel = "K",
            description = "Keep the K most likely tokens; 0 (the default) keeps all.")
    private int topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            defaultValue = "1",
            description = "Keep the smallest set whose probability reaches P; 1 (the default) keeps all.")
    private float topP;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Drop tokens less likely than P times the most likely; 0 (the default) drops none.")
    private float minP;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "R",
            defaultValue = "1",
            description = "Above 1 makes recent tokens less likely; 1 (the default) is off.")
    private float repetitionPenalty;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description =
                    "The same seed gives the same text. Default: another one every time; it is reported at the end.")
    private @Nullable Long seed;

    Sampling sampling() {
        long chosen = seed == null ? ThreadLocalRandom.current().nextLong(1, 1_000_000_000) : seed;
        return Sampling.defaults()
                .withRepetitionPenalty(repetitionPenalty)
                .withTemperature(temperature)
                .withTopK(topK)
                .withTopP(topP)
                .withMinP(minP)
                .withSeed(chosen);
    }
}
