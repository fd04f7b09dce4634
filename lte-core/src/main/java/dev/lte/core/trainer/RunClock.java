package dev.lte.core.trainer;

import java.time.Duration;

/** How fast steps go, and how long the rest will take. */
final class RunClock {
    /** How much of the seconds per step is replaced by each report. */
    private static final double SMOOTHING = 0.2;

    private long last = System.nanoTime();
    private double secondsPerStep;
    private double tokensPerSecond;

    /** Leaves out the time since the last report: something other than steps took it. */
    void skip() {
        last = System.nanoTime();
    }

    /** After some steps. */
    void report(int steps, long tokens) {
        long now = System.nanoTime();
        double seconds = Math.max(1e-9, (now - last) / 1e9);
        last = now;
        tokensPerSecond = tokens / seconds;
        double each = seconds / steps;
        secondsPerStep += secondsPerStep == 0 ? each : SMOOTHING * (each - secondsPerStep);
    }

    double tokensPerSecond() {
        return tokensPerSecond;
    }

    Duration remaining(long steps) {
        return Duration.ofMillis(Math.round(1000 * secondsPerStep * steps));
    }
}
