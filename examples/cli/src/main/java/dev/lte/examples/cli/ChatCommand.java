package dev.lte.examples.cli;

import dev.lte.LoadOptions;
import dev.lte.Model;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Chats on the terminal. */
@Command(
        name = "chat",
        description =
                "Chats on the terminal, or answers standard input line by line. Ctrl-C stops an answer, Ctrl-D ends;"
                        + " /help lists what else there is.")
final class ChatCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--system", paramLabel = "TEXT", description = "What holds for the whole conversation.")
    private @Nullable String system;

    @Option(
            names = {"-n", "--max-tokens"},
            paramLabel = "N",
            description = "At most N tokens in an answer. Default: as many as the context holds.")
    private @Nullable Integer maxTokens;

    @Option(
            names = "--threshold",
            paramLabel = "TAU",
            description =
                    "The sparsity dial: an expert runs if its score is above this, 0 to 1. Default: the model's own.")
    private @Nullable Double threshold;

    @Option(names = "--session", paramLabel = "FILE", description = "Go on with a conversation that /save wrote.")
    private @Nullable Path session;

    @Option(
            names = "--chat-template",
            paramLabel = "FILE",
            description = "A Jinja chat template in place of the model's own.")
    private @Nullable Path template;

    @Mixin
    private SamplingOptions sampling;

    @Mixin
    private ModelOptions model;

    @Mixin
    private CachedLoadOptionsMixin loading;

    @Override
    public Integer call() {
        if (threshold != null && loading.dense()) {
            throw new ParameterException(
                    spec.commandLine(), "--threshold and --dense exclude each other: a dense run has no threshold");
        }
        try (ChatConsole console = ChatConsole.open(spec.commandLine().getOut());
                Interruption interruption = Interruption.watch();
                Model loaded = model.load(loading, this::configure)) {
            Conversation conversation = new Conversation(
                    loaded,
                    console,
                    interruption,
                    spec.commandLine().getOut(),
                    spec.commandLine().getErr(),
                    new Conversation.Settings(sampling.sampling(), maxTokens, threshold));
            if (session != null) {
                conversation.restore(session);
            }
            if (system != null) {
                conversation.system(system);
            }
            return conversation.run();
        }
    }

    private void configure(LoadOptions.Builder options) {
        options.prefixCache(true);
        if (template != null) {
            try {
                options.chatTemplate(Files.readString(template));
            } catch (IOException e) {
                throw new UncheckedIOException("cannot read the chat template " + template, e);
            }
        }
    }
}
