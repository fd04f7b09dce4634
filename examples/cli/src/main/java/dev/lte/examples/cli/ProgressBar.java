package dev.lte.examples.cli;

import dev.lte.Progress;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.Consumer;

/** One line that is drawn over itself, at most ten times a second, and wiped at the end. Only on a terminal. */
final class ProgressBar implements Consumer<Progress>, AutoCloseable {
    /** System property that the launcher sets: whether standard error is a terminal (Java has no way to ask). */
    static final String TERMINAL_PROPERTY = "lte.examples.terminal";

    private static final int WIDTH = 30;
    private static final long REDRAW_NANOS = 100_000_000;

    private final PrintWriter err;
    private final boolean enabled;
    private long nextDraw = Long.MIN_VALUE;
    private int drawn;

    private ProgressBar(PrintWriter err, boolean enabled) {
        this.err = err;
        this.enabled = enabled;
    }

    static ProgressBar on(PrintWriter err) {
        return new ProgressBar(err, Boolean.getBoolean(TERMINAL_PROPERTY));
    }

    @Override
    public synchronized void accept(Progress progress) {
        long now = System.nanoTime();
        if (!enabled || (drawn > 0 && now - nextDraw < 0)) {
            return;
        }
        nextDraw = now + REDRAW_NANOS;
        double share = progress.total() <= 0 ? 0 : Math.clamp((double) progress.done() / progress.total(), 0, 1);
        int filled = (int) Math.round(share * WIDTH);
        String line = String.format(
                Locale.ROOT,
                "[%s%s] %3.0f %% %s",
                "#".repeat(filled),
                " ".repeat(WIDTH - filled),
                100 * share,
                progress.what());
        err.print("\r" + line + " ".repeat(Math.max(0, drawn - line.length())));
        err.flush();
        drawn = line.length();
    }

    @Override
    public synchronized void close() {
        if (drawn > 0) {
            err.print("\r" + " ".repeat(drawn) + "\r");
            err.flush();
            drawn = 0;
        }
    }
}
