package dev.lte.core.train;

import dev.lte.backend.NormSpec;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import dev.lte.core.arch.WeightRole;
import org.jspecify.annotations.Nullable;

/**
 * A norm of (T, G x C) with the statistics of its last forward pass.
 *
 * @param weight (1, C)
 * @param bias (1, C) or null
 * @param statistics (T, 2 x G)
 */
record TrainableNorm(Parameter weight, @Nullable Parameter bias, TrainingMemory.Rows statistics, NormSpec spec) {
    /** @param groups G */
    static @Nullable TrainableNorm find(
            Parameters parameters,
            TrainingMemory memory,
            WeightRole weight,
            @Nullable WeightRole bias,
            int layer,
            int groups,
            NormSpec spec) {
        Parameter factors = parameters.find(layer, weight);
        if (factors == null) {
            return null;
        }
        Parameter offsets = bias == null ? null : parameters.find(layer, bias);
        return new TrainableNorm(factors, offsets, memory.exact(2 * groups), spec);
    }

    void forward(TrainingPass pass, Tensor out, Tensor x) {
        pass.kernels().norm(out, statistics.of(pass), x, weight.value(), biasValue(), spec);
    }

    /** {@code sum = x + branch}, and its norm. */
    void forward(TrainingPass pass, Tensor out, Tensor sum, Tensor x, Tensor branch) {
        pass.kernels().addNorm(out, statistics.of(pass), sum, x, branch, weight.value(), biasValue(), spec);
    }

    /** @param x what was normalised */
    void backward(TrainingPass pass, Tensor dx, Tensor dout, Tensor x, Write write) {
        TrainingKernels kernels = pass.kernels();
        Tensor dbias = bias == null ? null : bias.gradient();
        kernels.normBackward(dx, weight.gradient(), dbias, dout, x, statistics.of(pass), weight.value(), spec, write);
    }

    private @Nullable Tensor biasValue() {
        return bias == null ? null : bias.value();
    }
}
