package dev.lte.core.layer;

import dev.lte.backend.Kernels;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;

/**
 * From the last hidden state to logits.
 *
 * @param norm the final norm, or null
 * @param output (V, D), the token embedding itself where a model ties them
 * @param softcap of the logits; 0 for none
 */
public record Head(@Nullable Norm norm, Linear output, float softcap) {
    void forward(Kernels kernels, LogitRows out, Tensor x) {
        if (norm != null) {
            norm.forward(kernels, out.normed(), x);
            x = out.normed();
        }
        output.forward(kernels, out.logits(), x, Write.SET);
        if (softcap > 0) {
            kernels.softcap(out.logits(), softcap);
        }
    }
}
