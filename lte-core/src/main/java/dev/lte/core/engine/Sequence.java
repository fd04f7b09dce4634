package dev.lte.core.engine;

import dev.lte.core.cache.PageLease;
import dev.lte.core.cache.PrefixCache;
import dev.lte.core.sparse.SparsityMeter;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Work on one sequence of tokens: it waits for a slot and pages, runs its prompt in chunks, then, if it generates, a token
 * at a time. Put out of its slot, it waits again and runs what it has generated as if it were prompt. All methods run on the
 * engine's thread unless said so.
 */
abstract class Sequence {
    private int[] tokens = new int[0];
    private int size;
    private int promptEnd;
    private float threshold;
    private long realm;
    private int slot = -1;
    private @Nullable PageLease lease;
    private int done;
    private int measured;
    private int cachedTokens = -1;
    private long lastChunk;
    private boolean broken;

    /** Sets the work. Called once, before the engine sees it. */
    final void describe(int[] prompt, float threshold, long realm) {
        tokens = prompt.clone();
        size = prompt.length;
        promptEnd = prompt.length;
        this.threshold = threshold;
        this.realm = realm;
    }

    /** A token was generated, and is the next to run. */
    final void extend(int token) {
        if (size == tokens.length) {
            tokens = Arrays.copyOf(tokens, 2 * size);
        }
        tokens[size++] = token;
    }

    /** Prompt and generated tokens, and more behind {@link #size}; not to be changed. */
    final int[] tokens() {
        return tokens;
    }

    final int size() {
        return size;
    }

    /** How many of the tokens run in chunks. */
    final int promptEnd() {
        return promptEnd;
    }

    /** The token to run next. */
    final int nextToken() {
        return tokens[done];
    }

    /** tau; unused by models that run dense. */
    final float threshold() {
        return threshold;
    }

    /** Whose pages it may share, see {@link PrefixCache#open}. */
    final long realm() {
        return realm;
    }

    final boolean isAdmitted() {
        return slot >= 0;
    }

    final int slot() {
        return slot;
    }

    /** The pages of an admitted sequence. */
    final PageLease lease() {
        if (lease == null) {
            throw new IllegalStateException("expected a sequence that was admitted");
        }
        return lease;
    }

    /** @param cached tokens at the begin whose keys and values are in the pages already */
    final void admit(int slot, PageLease pages, int cached) {
        this.slot = slot;
        lease = pages;
        done = cached;
        promptEnd = size;
        if (cachedTokens < 0) {
            cachedTokens = cached;
            measured = cached;
        }
        onAdmitted();
    }

    /** Forgets slot and pages, which the engine has taken back. */
    final void release() {
        slot = -1;
        lease = null;
        done = 0;
    }

    /** Tokens that were found in the cache when it was first admitted. */
    final int cachedTokens() {
        return Math.max(0, cachedTokens);
    }

    /** Positions that have been computed. */
    final int done() {
        return done;
    }

    final void advance(int rows) {
        done += rows;
    }

    /** How many of the positions from {@code first} to {@code first + rows} are computed for the first time; they are the last ones. */
    final int measure(int first, int rows) {
        int fresh = Math.clamp(first + rows - measured, 0, rows);
        measured += fresh;
        return fresh;
    }

    final boolean inPrompt() {
        return done < promptEnd;
    }

    /** When a chunk of it ran last, in steps of the engine. */
    final long lastChunk() {
        return lastChunk;
    }

    final void chunkRan(long step) {
        lastChunk = step;
    }

    /** Work can begin, for the first time or again. */
    abstract void onAdmitted();

    /** Whether a step should run now: nobody has cancelled, and somebody wants its result. */
    abstract boolean wantsStep();

    /** Whether logits of every prompt position are wanted, not only of the last. */
    abstract boolean wantsAllLogits();

    /** Null if nobody measures. */
    abstract SparsityMeter meter();

    /** Whether the most likely token is enough for {@link #onToken}, so that logits need not leave the device. */
    abstract boolean isArgmax();

    /** Logits of positions {@code first} to {@code first + rows}, in the first rows of an array that will be reused. */
    abstract void onLogits(int first, int rows, float[] logits, int columns);

    /** The most likely token after the last position, instead of {@link #onLogits} where {@link #isArgmax}. */
    abstract void onToken(int token);

    /** Whether it needs no more steps; its slot and pages are then taken back. */
    abstract boolean isFinished();

    /** Whether the engine may forget it: everything has been told. */
    abstract boolean isOver();

    /** Tells what can be told now; may make it over. */
    abstract void flush();

    /** Ends because a step failed: what that step wrote to the cache is not to be trusted. */
    final void breakOff(Throwable reason) {
        broken = true;
        fail(reason);
    }

    final boolean isBroken() {
        return broken;
    }

    /** Ends with an error. */
    abstract void fail(Throwable reason);

    /** When, in {@link System#nanoTime} terms, it ends for lack of demand; {@link Long#MAX_VALUE} while there is demand. */
    abstract long stallDeadline();
}
