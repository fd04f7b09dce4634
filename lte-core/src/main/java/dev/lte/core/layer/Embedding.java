package dev.lte.core.layer;

import dev.lte.backend.Kernels;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;

/**
 * The input of the first block: token embeddings, scaled, plus those of positions and of the token type where a model has
 * them, normalised where a model does so.
 *
 * @param tokens (V, D)
 * @param scale multiplies token embeddings
 * @param positions (positions, D) or null
 * @param types (types, D) or null; every token is of type 0
 */
public record Embedding(
        Tensor tokens,
        float scale,
        @Nullable Tensor positions,
        @Nullable Tensor types,
        @Nullable Norm norm) {
    void forward(Kernels kernels, Pass pass) {
        kernels.embed(pass.x(), tokens, pass.ids(), scale, Write.SET);
        if (positions != null) {
            kernels.embed(pass.x(), positions, pass.positionIds(), 1, Write.ADD);
        }
        if (types != null) {
            kernels.embed(pass.x(), types, pass.typeIds(), 1, Write.ADD);
        }
        if (norm != null) {
            norm.forward(kernels, pass.x(), pass.x());
        }
    }
}
