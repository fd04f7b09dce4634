package dev.lte.core.layer;

import dev.lte.backend.Activation;
import dev.lte.backend.Kernels;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;

/**
 * From the hidden state of a sequence's first token to the logits of classes: {@code output tanh(dense x)} (RoBERTa).
 *
 * @param dense (D, D)
 * @param output (classes, D)
 */
public record ClassifierHead(Linear dense, Linear output) {
    void forward(Kernels kernels, LogitRows out, Tensor x) {
        dense.forward(kernels, out.normed(), x, Write.SET);
        kernels.activate(out.normed(), Activation.TANH);
        output.forward(kernels, out.logits(), out.normed(), Write.SET);
    }
}
