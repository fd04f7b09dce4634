package dev.lte.core.layer;

import dev.lte.backend.Kernels;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;

/**
 * A linear projection.
 *
 * @param weight (out, in)
 * @param bias (1, out) or null
 */
public record Linear(Tensor weight, @Nullable Tensor bias) {
    void forward(Kernels kernels, Tensor out, Tensor x, Write write) {
        kernels.linear(out, x, weight, bias, write);
    }
}
