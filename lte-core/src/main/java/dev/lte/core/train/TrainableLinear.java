package dev.lte.core.train;

import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;

/**
 * {@code out = x weight^T + bias}.
 *
 * @param weight (R, C)
 * @param bias (1, R) or null
 */
record TrainableLinear(Parameter weight, @Nullable Parameter bias) {
    void forward(TrainingKernels kernels, Tensor out, Tensor x) {
        kernels.linear(out, x, weight.value(), bias == null ? null : bias.value(), Write.SET);
    }

    /** Accumulates the gradients of the parameters, if they are trained, and writes dx. */
    void backward(TrainingKernels kernels, Tensor dx, Tensor dout, Tensor x, Write write) {
        gather(kernels, dout, x);
        kernels.linearBackwardInput(dx, dout, weight.value(), write);
    }

    /** The gradients of the parameters alone. */
    void gather(TrainingKernels kernels, Tensor dout, Tensor x) {
        if (weight.isTrained()) {
            Tensor dbias = bias == null || !bias.isTrained() ? null : bias.gradient();
            kernels.linearBackwardWeight(weight.gradient(), dbias, dout, x);
        }
    }
}
