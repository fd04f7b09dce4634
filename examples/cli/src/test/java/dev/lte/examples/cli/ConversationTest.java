package dev.lte.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A chat with the story model, which takes every message for a piece of a story. */
@Timeout(60)
class ConversationTest {
    private static final String TEMPLATE = "{% for m in messages %}{{ m.content }} {% endfor %}";

    /** Lines as if typed. */
    private static final class Typed implements ChatConsole {
        private final Queue<String> lines;
        private Runnable interrupt = () -> {};

        Typed(List<String> lines) {
            this.lines = new ArrayDeque<>(lines);
        }

        @Override
        public @Nullable String readLine(String prompt) {
            return lines.poll();
        }

        @Override
        public void onInterrupt(Runnable action) {
            interrupt = action;
        }

        @Override
        public boolean isTerminal() {
            return true;
        }

        @Override
        public void close() {}
    }

    private final StringWriter err = new StringWriter();

    private String chat(int maxTokens, boolean interrupts, String... lines) {
        Typed console = new Typed(List.of(lines));
        StringWriter text = new StringWriter();
        PrintWriter out = new PrintWriter(text) {
            @Override
            public void print(String part) {
                super.print(part);
                if (interrupts && !part.isEmpty()) {
                    console.interrupt.run();
                }
            }
        };
        try (Interruption interruption = Interruption.watch();
                Model model = Lte.load(
                        Path.of("..", "models", "tinystories-656k.gguf"),
                        LoadOptions.of(o -> o.backend("cpu").chatTemplate(TEMPLATE)))) {
            int exitCode = new Conversation(
                            model,
                            console,
                            interruption,
                            out,
                            new PrintWriter(err),
                            new Conversation.Settings(Sampling.greedy(), maxTokens, null))
                    .run();
            assertThat(exitCode).isZero();
            long deadline = System.nanoTime() + 5_000_000_000L;
            while (model.activeStreams() > 0 && System.nanoTime() < deadline) {
                Thread.onSpinWait();
            }
            assertThat(model.activeStreams()).isZero();
        }
        return text.toString();
    }

    @Test
    void answersBecomePartOfTheConversationAndCanBeTakenBack() {
        String out =
                chat(5, false, "Once upon a time", "/history", "/undo", "/history", "And so", "/exit", "never read");
        assertThat(out)
                .containsOnlyOnce("you: Once upon a time")
                .containsOnlyOnce("model: ")
                .doesNotContain("never read");
        assertThat(err.toString()).contains("5 tokens (length)", "tokens/s", "from the cache");
    }

    @Test
    void interruptingStopsTheAnswerAndNotTheChat() {
        String out = chat(200, true, "Once upon a time", "/history", "/help");
        assertThat(err.toString()).contains("stopped");
        assertThat(out).doesNotContain("you: Once").contains("/retry");
    }

    @Test
    void aConversationIsSavedAndGoneOnWith(@TempDir Path directory) {
        Path file = directory.resolve("story.session");
        chat(5, false, "Once upon a time", "/save " + file);
        assertThat(chat(5, false, "/load " + file, "/history")).contains("you: Once upon a time");
    }

    @Test
    void mistakesAreToldAndForgiven() {
        String out = chat(
                5,
                false,
                "/nope",
                "/tau 7",
                "/tau x",
                "/save",
                "/load /no/such/file",
                "/tau 0.5",
                "Once",
                "/tau",
                "Once");
        assertThat(err.toString())
                .contains("/nope", "0 to 1", "expected a number", "name of a file", "cannot read", "no routers");
        assertThat(out).hasSizeGreaterThan(5);
    }
}
