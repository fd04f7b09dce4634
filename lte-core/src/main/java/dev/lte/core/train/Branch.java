package dev.lte.core.train;

import dev.lte.backend.Tensor;
import dev.lte.backend.Write;

/** What stands beside a residual connection: attention or a feed-forward block, without the norms around it. */
interface Branch {
    /**
     * @param y (T, D), overwritten
     * @param x (T, D), which must stay as it is until the backward pass
     */
    void forward(TrainingPass pass, Tensor y, Tensor x);

    /**
     * Accumulates the gradients of the parameters and writes that of the input, last of all: dx may be dy.
     *
     * @param dx (T, D), overwritten or added to
     * @param dy (T, D) of the type of activations
     * @param x what the forward pass was given
     */
    void backward(TrainingPass pass, Tensor dx, Tensor dy, Tensor x, Write write);
}
