package dev.lte.core.train;

import dev.lte.backend.Tensor;

/** From the last hidden states to the loss of the task. */
interface TaskHead {
    /**
     * Adds to the loss and, if a backward pass follows, to the gradients of the head's parameters.
     *
     * @param loss (1, 1), accumulated
     * @param dx (T, D), overwritten if a backward pass follows
     * @param x (T, D)
     */
    void run(TrainingPass pass, Tensor loss, Tensor dx, Tensor x);

    /** Rows of logits: T, or B of a classifier. */
    int logitRows(TrainingPass pass);

    /** V, or the number of classes. */
    int outputs();

    /** The logits of rows {@code from} to {@code to}, until the next call. */
    Tensor logits(TrainingPass pass, Tensor x, int from, int to);
}
