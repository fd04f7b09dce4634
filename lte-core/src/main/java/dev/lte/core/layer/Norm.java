package dev.lte.core.layer;

import dev.lte.backend.Kernels;
import dev.lte.backend.NormSpec;
import dev.lte.backend.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A normalisation with its weight and bias.
 *
 * @param weight (1, columns)
 * @param bias (1, columns) or null
 */
public record Norm(Tensor weight, @Nullable Tensor bias, NormSpec spec) {
    void forward(Kernels kernels, Tensor out, Tensor x) {
        kernels.norm(out, x, weight, bias, spec);
    }
}
