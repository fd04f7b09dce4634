package dev.lte.examples.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;

/** Where lines of a chat come from, and who hears of Ctrl-C. Closing it restores the terminal. */
interface ChatConsole extends AutoCloseable {
    /** The next line; empty after Ctrl-C, null at the end (Ctrl-D). */
    @Nullable
    String readLine(String prompt);

    /** What Ctrl-C does while no line is read. */
    void onInterrupt(Runnable action);

    boolean isTerminal();

    @Override
    void close();

    /** The terminal if there is one, else standard input line by line. */
    static ChatConsole open(PrintWriter out) {
        if (System.console() == null || !System.console().isTerminal()) {
            return new Lines(System.in, out);
        }
        try {
            return new Interactive(
                    TerminalBuilder.builder().system(true).name("lte").build());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot open the terminal", e);
        }
    }

    /** A terminal with editing, and the lines before on the arrow keys. */
    final class Interactive implements ChatConsole {
        private final Terminal terminal;
        private final LineReader reader;

        Interactive(Terminal terminal) {
            this.terminal = terminal;
            reader = LineReaderBuilder.builder()
                    .terminal(terminal)
                    .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
                    .build();
        }

        @Override
        public @Nullable String readLine(String prompt) {
            try {
                return reader.readLine(prompt);
            } catch (UserInterruptException e) {
                return "";
            } catch (EndOfFileException e) {
                return null;
            }
        }

        @Override
        public void onInterrupt(Runnable action) {
            terminal.handle(Terminal.Signal.INT, signal -> action.run());
        }

        @Override
        public boolean isTerminal() {
            return true;
        }

        @Override
        public void close() {
            try {
                terminal.close();
            } catch (IOException e) {
                throw new UncheckedIOException("cannot restore the terminal", e);
            }
        }
    }

    /** A file or a pipe. Ctrl-C ends the program there, as it does with every filter. */
    final class Lines implements ChatConsole {
        private final BufferedReader in;
        private final PrintWriter out;

        Lines(InputStream in, PrintWriter out) {
            this.in = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
            this.out = out;
        }

        @Override
        public @Nullable String readLine(String prompt) {
            out.flush();
            try {
                return in.readLine();
            } catch (IOException e) {
                throw new UncheckedIOException("cannot read standard input", e);
            }
        }

        @Override
        public void onInterrupt(Runnable action) {}

        @Override
        public boolean isTerminal() {
            return false;
        }

        @Override
        public void close() {}
    }
}
