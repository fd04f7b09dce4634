package dev.lte.core.layer;

import dev.lte.backend.Tensor;

/**
 * Where the logits of S rows of a pass are computed; views of a {@link Workspace}.
 *
 * @param indices (S, 1) I32: which rows, written by the host
 * @param gathered (S, D)
 * @param normed (S, D)
 * @param logits (S, V)
 * @param best (S, 1) I32
 */
public record LogitRows(Tensor indices, Tensor gathered, Tensor normed, Tensor logits, Tensor best) {
    public int rows() {
        return logits.rows();
    }
}
