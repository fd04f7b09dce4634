package dev.lte.core.engine;

import dev.lte.Timings;
import java.time.Duration;

/**
 * The times of one stream, those without demand counted as nobody's. Confined to the engine's thread, except {@link #demanded}.
 */
final class StreamClock {
    private final long subscribed = System.nanoTime();
    /** When demand last rose from none. */
    private volatile long demanded;

    private boolean isAdmitted;
    private long admitted;
    private long first;
    private long last = subscribed;
    private long parked = subscribed;
    private boolean isParked = true;
    private long idle;
    private long idleBeforeFirst;

    /** Demand rose from none. Any thread. */
    void demanded() {
        demanded = System.nanoTime();
    }

    /** Demand fell to none. */
    void park() {
        isParked = true;
        parked = System.nanoTime();
    }

    /** Ends the time since the stream was parked, if there is demand again. */
    void resume(boolean hasDemand) {
        if (isParked && hasDemand) {
            isParked = false;
            idle += Math.max(0, demanded - parked);
        }
    }

    /** In {@link System#nanoTime} terms; means something only while there is no demand. */
    long parkedSince() {
        return parked;
    }

    /** Work can begin. Whether this is the first time. */
    boolean admitted() {
        if (isAdmitted) {
            return false;
        }
        isAdmitted = true;
        admitted = System.nanoTime();
        return true;
    }

    Duration queued() {
        return Duration.ofNanos(Math.max(0, admitted - subscribed));
    }

    /** A token has come: the time since the one before. */
    Duration tick(boolean isFirst) {
        long now = System.nanoTime();
        long before = last;
        last = now;
        if (isFirst) {
            first = now;
            idleBeforeFirst = idle;
        }
        return Duration.ofNanos(Math.max(0, now - before));
    }

    Timings timings(int generated) {
        long toFirst = Math.max(0, first - subscribed - idleBeforeFirst);
        long decode = Math.max(0, last - first - (idle - idleBeforeFirst));
        double perSecond = generated < 2 || decode == 0 ? 0 : (generated - 1) / (decode / 1e9);
        return new Timings(queued(), Duration.ofNanos(toFirst), Duration.ofNanos(decode), perSecond);
    }
}
