package dev.lte.examples.cli;

import dev.lte.BackendReport;
import dev.lte.Completed;
import dev.lte.GenerationRequest;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.ModelFileInfo;
import dev.lte.ModelFiles;
import dev.lte.Sampling;
import dev.lte.backend.Availability;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures prompt and generation speed. */
@Command(
        name = "bench",
        description = "Measures prompt and generation speed of one stream: medians over repeats after a warm-up.")
final class BenchCommand implements Callable<Integer> {
    private static final long WARM_UP_NANOS = 3_000_000_000L;

    @Spec
    private CommandSpec spec;

    @Option(names = "--prompt-tokens", paramLabel = "N", defaultValue = "128", description = "Default: 128.")
    private int promptTokens;

    @Option(
            names = "--generate-tokens",
            paramLabel = "N",
            defaultValue = "64",
            description = "Default: 64, at least 2.")
    private int generateTokens;

    @Option(names = "--repeat", paramLabel = "N", defaultValue = "5", description = "Measured runs. Default: 5.")
    private int repeat;

    @Option(
            names = "--warm-up",
            paramLabel = "N",
            defaultValue = "2",
            description = "Runs before that, for 3 seconds at least; 0 for none. Default: 2.")
    private int warmUp;

    @Option(names = "--threshold", paramLabel = "TAU", description = "The sparsity dial; default: the model's own.")
    private @Nullable Double threshold;

    @Option(names = "--json", description = "Print one JSON object.")
    private boolean json;

    @Mixin
    private ModelOptions model;

    @Mixin
    private CachedLoadOptionsMixin loading;

    /**
     * Samples of one speed.
     *
     * @param median the value to report
     * @param spread (largest - smallest) / median
     */
    private record Speed(double median, double spread, List<Double> samples) {
        static Speed of(List<Double> samples) {
            List<Double> sorted = samples.stream().sorted().toList();
            double median = (sorted.get((sorted.size() - 1) / 2) + sorted.get(sorted.size() / 2)) / 2;
            double spread = median == 0 ? 0 : (sorted.getLast() - sorted.getFirst()) / median;
            return new Speed(median, spread, samples);
        }
    }

    private record Spread(double prompt, double generated) {}

    private record Result(
            String model,
            String backend,
            String device,
            int threads,
            int promptTokens,
            int generatedTokens,
            int repeats,
            double promptTokensPerSecond,
            double generatedTokensPerSecond,
            Spread spread,
            List<Double> promptSamples,
            List<Double> generatedSamples,
            long bytesPerToken,
            double sparsity) {}

    @Override
    public Integer call() {
        require(promptTokens >= 1, "--prompt-tokens: expected 1 or more, found " + promptTokens);
        require(generateTokens >= 2, "--generate-tokens: expected 2 or more, found " + generateTokens);
        require(repeat >= 1, "--repeat: expected 1 or more, found " + repeat);
        require(warmUp >= 0, "--warm-up: expected 0 or more, found " + warmUp);
        require(
                threshold == null || !loading.dense(),
                "--threshold and --dense exclude each other: a dense run has no threshold");
        ModelFileInfo file = ModelFiles.inspect(model.path());
        try (Model loaded = model.load(loading)) {
            List<Double> prompt = new ArrayList<>();
            List<Double> generated = new ArrayList<>();
            Completed last = null;
            int run = 0;
            long begin = System.nanoTime();
            // Small models are through before the compilers are.
            while (run < warmUp || (warmUp > 0 && System.nanoTime() - begin < WARM_UP_NANOS)) {
                run(loaded, run++);
            }
            for (int i = 0; i < repeat; i++) {
                last = run(loaded, run++);
                prompt.add(promptTokens / (last.timings().timeToFirstToken().toNanos() / 1e9));
                generated.add(last.timings().tokensPerSecond());
            }
            report(loaded, file, Speed.of(prompt), Speed.of(generated), last);
        }
        return 0;
    }

    /** One generation from random ids: another prompt every time, so that no cache of prefixes helps. */
    private Completed run(Model loaded, int run) {
        Random random = new Random(run);
        int[] ids = random.ints(promptTokens, 0, loaded.tokenizer().size()).toArray();
        GenerationRequest request = GenerationRequest.of(r -> {
            r.promptIds(ids).maxTokens(generateTokens).ignoreEndOfText(true).sampling(Sampling.greedy());
            if (threshold != null) {
                r.threshold(threshold);
            }
        });
        Completed completed = loaded.generate(request).ofType(Completed.class).blockLast();
        if (completed == null) {
            throw new IllegalStateException("the generation ended without a result");
        }
        return completed;
    }

    private void report(Model loaded, ModelFileInfo file, Speed prompt, Speed generated, @Nullable Completed last) {
        List<Double> perLayer = last == null ? List.of() : last.sparsity().perLayer();
        Result result = new Result(
                model.path().toString(),
                loaded.info().backend(),
                loaded.info().device(),
                threads(loaded),
                promptTokens,
                generateTokens,
                repeat,
                prompt.median(),
                generated.median(),
                new Spread(prompt.spread(), generated.spread()),
                prompt.samples(),
                generated.samples(),
                WeightTraffic.bytesPerToken(file, perLayer),
                last == null ? 0 : last.sparsity().mean());
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            Json.print(out, result);
            return;
        }
        out.printf(
                Locale.ROOT,
                """
                %s on %s (%s)
                prompt     %6d tokens %10.1f tokens/s, spread %4.1f %%
                generated  %6d tokens %10.1f tokens/s, spread %4.1f %%
                weights    %,d bytes a token, FFN sparsity %.1f %%
                medians of %d runs; spread is (largest - smallest) / median
                """,
                loaded.info().name(),
                result.backend(),
                result.device(),
                promptTokens,
                result.promptTokensPerSecond(),
                100 * result.spread().prompt(),
                generateTokens,
                result.generatedTokensPerSecond(),
                100 * result.spread().generated(),
                result.bytesPerToken(),
                100 * result.sparsity(),
                repeat);
        out.flush();
    }

    /** The threads asked for, or those that the backend chooses. */
    private int threads(Model loaded) {
        if (loading.threads() > 0) {
            return loading.threads();
        }
        return Lte.backends().stream()
                .filter(report -> report.name().equals(loaded.info().backend()))
                .map(BackendReport::availability)
                .mapToInt(availability -> availability instanceof Availability.Available a
                        ? a.device().threads()
                        : 0)
                .findFirst()
                .orElse(0);
    }

    private void require(boolean condition, String message) {
        if (!condition) {
            throw new ParameterException(spec.commandLine(), message);
        }
    }
}
