package dev.lte.core.engine;

import dev.lte.BackendFailureException;
import dev.lte.LteException;
import dev.lte.ModelStatus;
import dev.lte.core.cache.KeyValueCache;
import dev.lte.core.cache.PageLease;
import dev.lte.core.cache.PrefixCache;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which sequences run next, and on what memory. Sequences get slots and pages in the order of their arrival; those that hold
 * some share each round: a chunk of the prompt that has waited longest, then one token of everyone whom somebody waits for.
 *
 * <p>Pages are taken as sequences grow. When there are none left, parked sequences and then the latest ones are put out: their
 * full pages stay in the {@link PrefixCache} as long as nobody needs them, and they go on where they were once it is their
 * turn again. The oldest sequence always finds room, so that everyone ends some day.
 *
 * <p>Confined to the engine's thread, except {@link #status}.
 */
final class Scheduler {
    /** How long a sequence is parked before it can lose its slot: longer than a subscriber needs to ask for the next event. */
    static final long GRACE_NANOS = 100_000_000L;

    private final EngineOptions options;
    private final PassRunner runner;
    private final PrefixCache cache;
    private final long stallNanos;

    /** In the order of arrival. */
    private final List<Sequence> sequences = new ArrayList<>();

    private final List<Sequence> batch = new ArrayList<>();
    private final boolean[] slots;
    private long steps;
    private volatile int running;
    private volatile int waiting;

    Scheduler(EngineOptions options, PassRunner runner, PrefixCache cache) {
        this.options = options;
        this.runner = runner;
        this.cache = cache;
        stallNanos = options.stallTimeout().toNanos();
        slots = new boolean[options.maxStreams()];
    }

    void add(Sequence sequence) {
        sequences.add(sequence);
    }

    /** From any thread; numbers of about the same moment. */
    ModelStatus status() {
        return new ModelStatus(
                running, waiting, cache.total(), cache.free(), cache.reusable(), KeyValueCache.PAGE_SIZE);
    }

    /**
     * Tells what can be told, takes slots and pages back, forgets what is over.
     *
     * @return how many are over
     */
    int settle() {
        long now = System.nanoTime();
        int over = 0;
        int kept = 0;
        int admitted = 0;
        for (int i = 0; i < sequences.size(); i++) {
            Sequence sequence = sequences.get(i);
            settle(sequence);
            if (sequence instanceof TokenStream<?> stream
                    && stream.stallDeadline() != Long.MAX_VALUE
                    && now - stream.stallDeadline() >= 0) {
                stream.fail(stream.stalled());
                settle(sequence);
            }
            if (sequence.isOver()) {
                over++;
            } else {
                sequences.set(kept++, sequence);
                admitted += sequence.isAdmitted() ? 1 : 0;
            }
        }
        if (over > 0) {
            sequences.subList(kept, sequences.size()).clear();
        }
        running = admitted;
        waiting = kept - admitted;
        return over;
    }

    /** Pages are free before anybody hears of the end. */
    private void settle(Sequence sequence) {
        takeBack(sequence);
        sequence.flush();
        takeBack(sequence);
    }

    private void takeBack(Sequence sequence) {
        if (sequence.isAdmitted() && (sequence.isFinished() || sequence.isOver())) {
            putOut(sequence);
        }
    }

    /** Takes slot and pages back; what was computed can be found again, unless it is not to be trusted. */
    private void putOut(Sequence sequence) {
        if (!sequence.isBroken()) {
            cache.commit(sequence.lease(), sequence.tokens(), sequence.done());
        }
        cache.release(sequence.lease());
        slots[sequence.slot()] = false;
        sequence.release();
    }

    /** In the order of arrival. One for which there is no room keeps those behind it waiting, so that its turn comes. */
    void admit() {
        int admitted = 0;
        for (int i = 0; i < sequences.size(); i++) {
            admitted += sequences.get(i).isAdmitted() ? 1 : 0;
        }
        for (int i = 0; i < sequences.size(); i++) {
            Sequence sequence = sequences.get(i);
            if (sequence.isAdmitted() || !sequence.wantsStep()) {
                continue;
            }
            int slot = freeSlot();
            if (slot < 0) {
                Sequence parked = longestParked(GRACE_NANOS);
                if (parked == null) {
                    return;
                }
                putOut(parked);
                admitted--;
                slot = freeSlot();
            }
            // One page for the next token of everyone, or they would put each other out at once.
            PageLease lease = lease(sequence, admitted);
            if (lease == null) {
                return;
            }
            slots[slot] = true;
            sequence.admit(slot, lease, lease.shared() * KeyValueCache.PAGE_SIZE);
            runner.assignPages(sequence);
            admitted++;
        }
    }

    private @Nullable PageLease lease(Sequence sequence, int headroom) {
        int reuse = sequence.wantsAllLogits() ? 0 : sequence.size() - 1;
        PageLease lease = cache.open(sequence.threshold(), sequence.realm(), sequence.tokens(), reuse);
        int pages = KeyValueCache.pagesFor(sequence.size());
        while (pages - lease.size() + headroom > cache.available()) {
            Sequence parked = longestParked(GRACE_NANOS);
            if (parked == null) {
                if (headroom > 0 && pages + headroom > cache.total() && pages - lease.size() <= cache.available()) {
                    break; // as much room as there can ever be
                }
                cache.release(lease);
                return null;
            }
            putOut(parked);
        }
        cache.grow(lease, pages);
        return lease;
    }

    /** The admitted sequence that has been without demand longest, if longer than {@code nanos}; or null. */
    private @Nullable Sequence longestParked(long nanos) {
        Sequence longest = null;
        long now = System.nanoTime();
        for (int i = 0; i < sequences.size(); i++) {
            Sequence sequence = sequences.get(i);
            long deadline = sequence.stallDeadline();
            if (sequence.isAdmitted()
                    && !sequence.isFinished()
                    && deadline != Long.MAX_VALUE
                    && now - (deadline - stallNanos) >= nanos
                    && (longest == null || deadline - longest.stallDeadline() < 0)) {
                longest = sequence;
            }
        }
        return longest;
    }

    private int freeSlot() {
        for (int i = 0; i < slots.length; i++) {
            if (!slots[i]) {
                return i;
            }
        }
        return -1;
    }

    /** Whether there was something to do. */
    boolean step() {
        steps++;
        boolean worked = promptStep();
        batch.clear();
        for (int i = 0; i < sequences.size(); i++) {
            Sequence sequence = sequences.get(i);
            if (sequence.isAdmitted() && !sequence.inPrompt() && sequence.wantsStep()) {
                batch.add(sequence);
            }
        }
        worked |= makeRoom();
        if (batch.isEmpty()) {
            return worked;
        }
        try {
            runner.decode(batch);
        } catch (RuntimeException | Error e) {
            failAll(e);
        }
        for (int i = 0; i < batch.size(); i++) {
            settle(batch.get(i));
        }
        return true;
    }

    /**
     * Sees that every sequence of the batch has a page for its next token; those that cannot have one leave it.
     *
     * @return whether one was put out, so that others may be admitted
     */
    private boolean makeRoom() {
        boolean made = false;
        for (int i = 0; i < batch.size(); i++) {
            Sequence sequence = batch.get(i);
            int pages = KeyValueCache.pagesFor(sequence.done() + 1);
            if (!sequence.isAdmitted() || pages <= sequence.lease().size()) {
                continue;
            }
            while (sequence.isAdmitted() && !cache.grow(sequence.lease(), pages)) {
                Sequence victim = longestParked(0);
                putOut(victim == null ? latest() : victim);
                made = true;
            }
            if (sequence.isAdmitted()) {
                runner.assignPages(sequence);
            }
        }
        batch.removeIf(sequence -> !sequence.isAdmitted());
        return made;
    }

    private Sequence latest() {
        for (int i = sequences.size() - 1; i >= 0; i--) {
            if (sequences.get(i).isAdmitted()) {
                return sequences.get(i);
            }
        }
        throw new IllegalStateException("expected the pages of one context to suffice for one sequence");
    }

    /** A chunk of the prompt that has waited longest since its last one. */
    private boolean promptStep() {
        Sequence next = null;
        for (int i = 0; i < sequences.size(); i++) {
            Sequence sequence = sequences.get(i);
            if (sequence.isAdmitted()
                    && sequence.inPrompt()
                    && sequence.wantsStep()
                    && (next == null || sequence.lastChunk() < next.lastChunk())) {
                next = sequence;
            }
        }
        if (next == null) {
            return false;
        }
        next.chunkRan(steps);
        try {
            runner.promptChunk(next);
            cache.commit(next.lease(), next.tokens(), next.done());
        } catch (RuntimeException | Error e) {
            batch.clear();
            batch.add(next);
            failAll(e);
        }
        settle(next);
        return true;
    }

    private void failAll(Throwable cause) {
        LteException failure = cause instanceof LteException typed
                ? typed
                : new BackendFailureException(
                        "a step of " + options.name() + " failed: " + cause,
                        "see the cause; load the model again, or with another backend",
                        cause);
        for (int i = 0; i < batch.size(); i++) {
            batch.get(i).breakOff(failure);
        }
    }

    /** When, in {@link System#nanoTime} terms, something is to be done without anybody's asking; or {@link Long#MAX_VALUE}. */
    long nextDeadline() {
        long deadline = Long.MAX_VALUE;
        long now = System.nanoTime();
        boolean someoneWaits = false;
        for (int i = 0; i < sequences.size(); i++) {
            someoneWaits |= !sequences.get(i).isAdmitted() && sequences.get(i).wantsStep();
        }
        for (int i = 0; i < sequences.size(); i++) {
            long stall = sequences.get(i).stallDeadline();
            if (stall != Long.MAX_VALUE) {
                long left = stall - now;
                if (someoneWaits && sequences.get(i).isAdmitted()) {
                    left = Math.min(left, stall - stallNanos + GRACE_NANOS - now);
                }
                deadline = Math.min(deadline, Math.max(1, left));
            }
        }
        return deadline == Long.MAX_VALUE ? Long.MAX_VALUE : now + deadline;
    }

    /** @return how many were ended */
    int failEveryone(LteException reason) {
        int count = sequences.size();
        for (int i = 0; i < count; i++) {
            sequences.get(i).fail(reason);
        }
        sequences.clear();
        running = 0;
        waiting = 0;
        return count;
    }
}
