package dev.lte.core.engine;

import dev.lte.core.sparse.SparsityMeter;

/**
 * Work on one sequence of tokens: it waits for a slot and pages, runs its prompt in chunks, then, if it generates, a token
 * at a time. All methods run on the engine's thread unless said so.
 */
abstract class Sequence {
    /** No slot. */
    static final int NONE = -1;

    private static final int[] NO_PAGES = new int[0];

    private int[] prompt = new int[0];
    private float threshold;
    private int slot = NONE;
    private int[] pages = NO_PAGES;
    private int done;

    /** Sets the work. Called once, before the engine sees it. */
    final void describe(int[] prompt, float threshold) {
        this.prompt = prompt;
        this.threshold = threshold;
    }

    final int[] prompt() {
        return prompt;
    }

    /** tau; unused by models that run dense. */
    final float threshold() {
        return threshold;
    }

    /** Most positions that it will take. */
    abstract int maxPositions();

    final boolean isAdmitted() {
        return slot != NONE;
    }

    final int slot() {
        return slot;
    }

    final int[] pages() {
        return pages;
    }

    final void admit(int slot, int[] pages) {
        this.slot = slot;
        this.pages = pages;
    }

    /** Forgets slot and pages, which the engine has taken back. */
    final void release() {
        slot = NONE;
        pages = NO_PAGES;
    }

    /** Positions that have been computed. */
    final int done() {
        return done;
    }

    final void advance(int rows) {
        done += rows;
    }

    final boolean inPrompt() {
        return done < prompt.length;
    }

    /** Whether a step should run now: nobody has cancelled, and somebody wants its result. */
    abstract boolean wantsStep();

    /** Whether logits of every prompt position are wanted, not only of the last. */
    abstract boolean wantsAllLogits();

    /** Null if nobody measures. */
    abstract SparsityMeter meter();

    /** Whether {@link #nextToken} is enough for {@link #onToken}, so that logits need not leave the device. */
    abstract boolean isArgmax();

    /** Logits of positions {@code first} to {@code first + rows}, in the first rows of an array that will be reused. */
    abstract void onLogits(int first, int rows, float[] logits, int columns);

    /** The most likely token after the last position, instead of {@link #onLogits} where {@link #isArgmax}. */
    abstract void onToken(int token);

    /** The token to run next, once the prompt is done. */
    abstract int nextToken();

    /** Whether it needs no more steps; its slot and pages are then taken back. */
    abstract boolean isFinished();

    /** Whether the engine may forget it: everything has been told. */
    abstract boolean isOver();

    /** Tells what can be told now; may make it over. */
    abstract void flush();

    /** Ends with an error. */
    abstract void fail(Throwable reason);

    /** When, in {@link System#nanoTime} terms, it ends for lack of demand; {@link Long#MAX_VALUE} while there is demand. */
    abstract long stallDeadline();
}
