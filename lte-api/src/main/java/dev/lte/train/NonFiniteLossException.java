package dev.lte.train;

import dev.lte.LteException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A loss or gradient is no finite number; the parameters are as they were before that step, and the last checkpoint is sound. */
public final class NonFiniteLossException extends LteException {
    private static final long serialVersionUID = 1L;

    private final long step;
    private final String batch;
    private final transient @Nullable Path checkpoint;

    /**
     * @param what is not finite, and its value
     * @param step over all stages, from 1
     * @param batch where in the data it is
     * @param checkpoint the last good one, or null if none was written
     */
    public NonFiniteLossException(String what, long step, String batch, @Nullable Path checkpoint) {
        super(
                "step " + step + ": expected finite losses and gradients, found " + what + " (" + batch
                        + "); last good checkpoint: " + (checkpoint == null ? "none" : checkpoint),
                "look at that batch, or start again with a lower rate, a longer warm-up, a smaller clip norm or precision F32");
        this.step = step;
        this.batch = batch;
        this.checkpoint = checkpoint;
    }

    /** Over all stages, from 1. */
    public long step() {
        return step;
    }

    /** Where in the data the batch begins. */
    public String batch() {
        return batch;
    }

    /** The last good one, or null if none was written. */
    public @Nullable Path checkpoint() {
        return checkpoint;
    }
}
