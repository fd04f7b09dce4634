package dev.lte.examples.cli;

import dev.lte.Completed;
import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import dev.lte.Model;
import dev.lte.Sampling;
import dev.lte.TextDelta;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import reactor.core.publisher.Flux;

/** Generates text and prints it as it comes. */
@Command(
        name = "generate",
        description = "Generates text and prints it as it comes; without options, describes a restaurant.")
final class GenerateCommand implements Callable<Integer> {
    private static final String DEFAULT_PROMPT = "Once upon a time";

    /** What the model of the examples that LTE trained was trained to put into words: the first input of E2E's kind. */
    private static final String RESTAURANT = """
            Input:
            name[The Wrestlers], eatType[pub], food[Italian], priceRange[cheap], area[riverside], familyFriendly[yes]
            ---
            Output:
            """;

    /** What a shell reports for a program whose reader went away. */
    private static final int BROKEN_PIPE = 141;

    /** How many tokens the model may run ahead of a slow terminal. */
    private static final int TOKENS_AHEAD = 16;

    @Spec
    private CommandSpec spec;

    @ArgGroup
    private @Nullable Prompt prompt;

    @Option(
            names = {"-n", "--max-tokens"},
            paramLabel = "N",
            description = "Generate at most N tokens. Default: 256; 128 for the description of a restaurant.")
    private @Nullable Integer maxTokens;

    @Mixin
    private SamplingOptions sampling;

    @Option(names = "--ignore-eos", description = "Go on after an end-of-text token.")
    private boolean ignoreEndOfText;

    @Option(names = "--stop", paramLabel = "TEXT", description = "Stop before this text; may be given up to 16 times.")
    private List<String> stop = List.of();

    @Option(
            names = "--threshold",
            paramLabel = "TAU",
            description =
                    "The sparsity dial: an expert runs if its score is above this, 0 to 1. Default: the model's own.")
    private @Nullable Double threshold;

    @Option(names = "--json", description = "Print one JSON object at the end, and nothing else.")
    private boolean json;

    private boolean restaurant;

    @Mixin
    private ModelOptions model;

    @Mixin
    private CachedLoadOptionsMixin loading;

    /** Text or ids, not both. */
    private static final class Prompt {
        @Option(
                names = {"-p", "--prompt"},
                paramLabel = "TEXT",
                description = "Text to continue. Default: \"" + DEFAULT_PROMPT
                        + "\"; without --model too, a restaurant to be described by e2e-restaurants.")
        private @Nullable String text;

        @Option(names = "--ids", paramLabel = "ID", split = ",", description = "Token ids to continue, such as 1,5,7.")
        private @Nullable List<Integer> ids;
    }

    private record Sparsity(double mean, List<Double> perLayer) {}

    private record Result(
            String text,
            List<Integer> ids,
            int promptTokens,
            int generatedTokens,
            double timeToFirstTokenMs,
            double tokensPerSecond,
            String backend,
            String finishReason,
            long seed,
            Sparsity sparsity) {}

    @Override
    public Integer call() {
        Sampling how = sampling.sampling();
        restaurant = prompt == null && model.isStoryModel();
        if (restaurant) {
            model.useIfNoneIsNamed(ModelOptions.RESTAURANTS);
        }
        GenerationRequest request = request(how);
        try (Interruption interruption = Interruption.watch();
                Model loaded = model.load(loading)) {
            return run(loaded, interruption.cancels(loaded.generate(request)), how.seed());
        }
    }

    private GenerationRequest request(Sampling how) {
        if (threshold != null && loading.dense()) {
            throw new ParameterException(
                    spec.commandLine(), "--threshold and --dense exclude each other: a dense run has no threshold");
        }
        return GenerationRequest.of(request -> {
            if (prompt != null && prompt.ids != null) {
                request.promptIds(prompt.ids);
            } else {
                request.prompt(promptText());
            }
            if (threshold != null) {
                request.threshold(threshold);
            }
            request.maxTokens(maxTokens != null ? maxTokens : restaurant ? 128 : 256)
                    .sampling(how)
                    .ignoreEndOfText(ignoreEndOfText)
                    .stopStrings(stop);
        });
    }

    /** The prompt as text; empty if it was given as ids. */
    private String promptText() {
        if (prompt == null) {
            return restaurant ? RESTAURANT : DEFAULT_PROMPT;
        }
        return prompt.text == null ? "" : prompt.text;
    }

    private int run(Model loaded, Flux<GenerationEvent> events, long seed) {
        PrintWriter out = spec.commandLine().getOut();
        StringBuilder text = new StringBuilder();
        List<Integer> ids = new ArrayList<>();
        Completed completed = null;
        if (!json) {
            out.print(promptText());
            out.flush();
        }
        for (GenerationEvent event : events.toIterable(TOKENS_AHEAD)) {
            switch (event) {
                case TextDelta delta -> {
                    ids.addAll(delta.tokenIds());
                    if (json) {
                        text.append(delta.text());
                    } else {
                        out.print(delta.text());
                        if (out.checkError()) {
                            return BROKEN_PIPE;
                        }
                    }
                }
                case Completed last -> completed = last;
            }
        }
        if (!json) {
            out.println();
            out.flush();
        }
        if (completed != null) {
            finish(loaded, completed, text.toString(), ids, seed);
        }
        return 0;
    }

    private void finish(Model loaded, Completed completed, String text, List<Integer> ids, long seed) {
        double millis = completed.timings().timeToFirstToken().toNanos() / 1e6;
        String reason = completed.finishReason().name().toLowerCase(Locale.ROOT);
        if (json) {
            Json.print(
                    spec.commandLine().getOut(),
                    new Result(
                            text,
                            ids,
                            completed.usage().promptTokens(),
                            completed.usage().generatedTokens(),
                            millis,
                            completed.timings().tokensPerSecond(),
                            loaded.info().backend(),
                            reason,
                            seed,
                            new Sparsity(
                                    completed.sparsity().mean(),
                                    completed.sparsity().perLayer())));
            return;
        }
        PrintWriter err = spec.commandLine().getErr();
        err.printf(
                Locale.ROOT,
                "[%d tokens (%s), %.1f tokens/s, first after %.1f ms, %s, seed %d%s]%n",
                completed.usage().generatedTokens(),
                reason,
                completed.timings().tokensPerSecond(),
                millis,
                loaded.info().backend(),
                seed,
                loaded.info().routing() == null
                        ? ""
                        : String.format(
                                Locale.ROOT,
                                ", FFN sparsity %.1f %%",
                                100 * completed.sparsity().mean()));
        err.flush();
    }
}
