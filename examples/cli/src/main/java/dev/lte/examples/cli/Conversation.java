package dev.lte.examples.cli;

import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import dev.lte.Model;
import dev.lte.Sampling;
import dev.lte.chat.ChatEvent;
import dev.lte.chat.ChatMessage;
import dev.lte.chat.ChatRequest;
import dev.lte.chat.ChatSession;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/** One chat: reads lines, prints answers as they come, obeys commands. */
final class Conversation {
    private static final String HELP = """
            /help            this
            /new             forget the conversation
            /system TEXT     say what holds for the whole conversation, which begins anew
            /undo            take the last question and answer back
            /retry           answer the last question again, with another seed
            /tau [VALUE]     the sparsity dial, 0 to 1; without a value the model's own
            /history         show the conversation
            /save FILE       write the conversation, with what the model has computed for it
            /load FILE       go on with one
            /exit            end, as Ctrl-D does
            Ctrl-C stops an answer, which is then forgotten.
            """;

    private static final String DIM = "\u001b[2m";
    private static final String PLAIN = "\u001b[0m";

    /** How many events the model may run ahead of a slow terminal. */
    private static final int EVENTS_AHEAD = 16;

    /** What a shell reports for a program whose reader went away. */
    private static final int BROKEN_PIPE = 141;

    private final Model model;
    private final ChatConsole console;
    private final Interruption interruption;
    private final PrintWriter out;
    private final PrintWriter err;
    private final AtomicReference<Sinks.@Nullable Empty<Void>> answering = new AtomicReference<>();
    private Settings settings;
    private ChatSession session;

    /**
     * @param maxTokens of an answer, or null for no limit but the context
     * @param threshold tau, or null for the model's own
     */
    record Settings(
            Sampling sampling,
            @Nullable Integer maxTokens,
            @Nullable Double threshold) {
        void apply(ChatRequest.Builder request) {
            request.sampling(sampling);
            if (maxTokens != null) {
                request.maxTokens(maxTokens);
            }
            if (threshold != null) {
                request.threshold(threshold);
            }
        }
    }

    Conversation(
            Model model,
            ChatConsole console,
            Interruption interruption,
            PrintWriter out,
            PrintWriter err,
            Settings settings) {
        this.model = model;
        this.console = console;
        this.interruption = interruption;
        this.out = out;
        this.err = err;
        this.settings = settings;
        session = model.openSession();
        console.onInterrupt(() -> {
            Sinks.Empty<Void> running = answering.get();
            if (running != null) {
                running.tryEmitEmpty();
            }
        });
    }

    void restore(Path file) {
        session = model.restoreSession(file);
    }

    void system(String text) {
        session.rewind(0);
        session.append(ChatMessage.system(text));
    }

    /** Until the end of the input; the exit code. */
    int run() {
        if (console.isTerminal()) {
            err.println(model.info().name() + " on " + model.info().backend() + "; /help for help");
            err.flush();
        }
        while (true) {
            String line = console.readLine("> ");
            if (line == null || line.equals("/exit") || line.equals("/quit")) {
                return 0;
            }
            if (line.isBlank()) {
                continue;
            }
            try {
                if (line.startsWith("/")) {
                    command(line.strip());
                } else {
                    answer(line);
                }
            } catch (LteException | UncheckedIOException e) {
                complain(String.valueOf(e.getMessage()));
            }
            out.flush();
            if (out.checkError()) {
                return BROKEN_PIPE;
            }
        }
    }

    private void complain(String message) {
        out.flush();
        err.println("lte: " + message);
        err.flush();
    }

    private void command(String line) {
        int space = line.indexOf(' ');
        String name = space < 0 ? line : line.substring(0, space);
        String argument = space < 0 ? "" : line.substring(space + 1).strip();
        switch (name) {
            case "/help" -> out.print(HELP);
            case "/new" -> session = model.openSession();
            case "/system" -> system(argument);
            case "/undo" -> undo();
            case "/retry" -> retry();
            case "/tau" -> tau(argument);
            case "/history" -> history();
            case "/save" -> session.save(file(argument));
            case "/load" -> restore(file(argument));
            default -> complain("there is no command " + name + "; /help lists them");
        }
    }

    private static Path file(String argument) {
        if (argument.isEmpty()) {
            throw new InvalidRequestException("file", "the name of a file", "nothing");
        }
        return Path.of(argument);
    }

    /** Where the last question is, or -1. */
    private int lastQuestion() {
        List<ChatMessage> messages = session.messages();
        int last = messages.size() - 1;
        while (last >= 0 && !(messages.get(last) instanceof ChatMessage.User)) {
            last--;
        }
        return last;
    }

    private void undo() {
        session.rewind(Math.max(0, lastQuestion()));
    }

    private void retry() {
        int question = lastQuestion();
        if (question < 0) {
            complain("there is no question to answer again");
            return;
        }
        String text = session.messages().get(question).text();
        session.rewind(question);
        Sampling sampling = settings.sampling();
        settings = new Settings(sampling.withSeed(sampling.seed() + 1), settings.maxTokens(), settings.threshold());
        answer(text);
    }

    private void tau(String argument) {
        try {
            Double threshold = argument.isEmpty() ? null : Double.valueOf(argument);
            if (threshold != null && !(threshold >= 0 && threshold <= 1)) {
                throw new InvalidRequestException("tau", "0 to 1", threshold);
            }
            settings = new Settings(settings.sampling(), settings.maxTokens(), threshold);
        } catch (NumberFormatException e) {
            complain("/tau: expected a number from 0 to 1, found " + argument);
        }
    }

    private void history() {
        for (ChatMessage message : session.messages()) {
            String who = switch (message) {
                case ChatMessage.System system -> "system";
                case ChatMessage.User user -> "you";
                case ChatMessage.Assistant assistant -> "model";
                case ChatMessage.ToolResult result -> "tool";
            };
            out.println(who + ": " + message.text());
        }
    }

    private void answer(String question) {
        Sinks.Empty<Void> stop = Sinks.empty();
        answering.set(stop);
        ChatEvent.Completed completed = null;
        boolean thinking = false;
        try {
            Flux<ChatEvent> events = interruption.cancels(session.chat(request -> {
                request.user(question);
                settings.apply(request);
            }));
            for (ChatEvent event : events.takeUntilOther(stop.asMono()).toIterable(EVENTS_AHEAD)) {
                switch (event) {
                    case ChatEvent.ReasoningDelta delta -> {
                        thinking = print(thinking, true, delta.text());
                    }
                    case ChatEvent.TextDelta delta -> {
                        thinking = print(thinking, false, delta.text());
                    }
                    case ChatEvent.ToolCallDelta delta -> {
                        thinking =
                                print(thinking, false, (delta.name() == null ? "" : delta.name()) + delta.arguments());
                    }
                    case ChatEvent.Completed last -> completed = last;
                }
            }
        } finally {
            answering.set(null);
            print(thinking, false, "");
            out.println();
            out.flush();
        }
        if (completed == null) {
            complain("stopped");
        } else {
            report(completed);
        }
    }

    /** Prints reasoning dimmed on a terminal and not at all elsewhere; whether the output is dimmed now. */
    private boolean print(boolean dimmed, boolean reasoning, String text) {
        if (!console.isTerminal()) {
            out.print(reasoning ? "" : text);
        } else {
            out.print((dimmed == reasoning ? "" : reasoning ? DIM : PLAIN + "\n") + text);
        }
        out.flush();
        return reasoning;
    }

    private void report(ChatEvent.Completed completed) {
        if (!console.isTerminal()) {
            return;
        }
        err.printf(
                Locale.ROOT,
                "[%d tokens (%s), %.1f tokens/s, first after %.0f ms, %d of %d prompt tokens from the cache%s]%n",
                completed.usage().generatedTokens(),
                completed.finishReason().name().toLowerCase(Locale.ROOT),
                completed.timings().tokensPerSecond(),
                completed.timings().timeToFirstToken().toNanos() / 1e6,
                completed.usage().cachedTokens(),
                completed.usage().promptTokens(),
                model.info().routing() == null
                        ? ""
                        : String.format(
                                Locale.ROOT,
                                ", FFN sparsity %.1f %%",
                                100 * completed.sparsity().mean()));
        err.flush();
    }
}
