package dev.lte.core.engine;

import dev.lte.core.cache.PrefixCache;
import dev.lte.core.sparse.SparsityMeter;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;

/** The logits of every position of a prompt. */
final class LogitsJob extends Sequence {
    private final CompletableFuture<float[][]> result = new CompletableFuture<>();
    private final SparsityMeter meter;
    private final float[][] logits;

    LogitsJob(int[] prompt, float threshold, SparsityMeter meter) {
        describe(prompt, threshold, PrefixCache.COMMON);
        this.meter = meter;
        logits = new float[prompt.length][];
    }

    /** Completed on the engine's thread; cancelling it ends the work within a chunk. */
    CompletableFuture<float[][]> result() {
        return result;
    }

    @Override
    void onAdmitted() {}

    @Override
    boolean wantsStep() {
        return !result.isDone();
    }

    @Override
    boolean wantsAllLogits() {
        return true;
    }

    @Override
    SparsityMeter meter() {
        return meter;
    }

    @Override
    boolean isArgmax() {
        return false;
    }

    @Override
    void onLogits(int first, int rows, float[] values, int columns) {
        for (int i = 0; i < rows; i++) {
            logits[first + i] = Arrays.copyOfRange(values, i * columns, (i + 1) * columns);
        }
        if (first + rows == logits.length) {
            result.complete(logits);
        }
    }

    @Override
    void onToken(int token) {
        throw new IllegalStateException("a prompt whose logits are wanted generates nothing");
    }

    @Override
    boolean isFinished() {
        return result.isDone();
    }

    @Override
    boolean isOver() {
        return result.isDone();
    }

    @Override
    void flush() {}

    @Override
    void fail(Throwable reason) {
        result.completeExceptionally(reason);
    }

    @Override
    long stallDeadline() {
        return Long.MAX_VALUE;
    }
}
