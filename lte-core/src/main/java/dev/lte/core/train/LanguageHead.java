package dev.lte.core.train;

import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;

/**
 * Logits over the vocabulary and their cross-entropy, some rows at a time: forward, loss and backward of one chunk follow each
 * other, so that the logits of a whole batch never exist.
 */
final class LanguageHead implements TaskHead {
    private final TrainableLinear output;
    private final Tensor logits;

    /**
     * @param weight (V, D)
     * @param chunk rows whose logits exist at a time
     */
    LanguageHead(Parameter weight, TrainingMemory memory, int chunk) {
        output = new TrainableLinear(weight, null);
        int rows = Math.min(chunk, memory.maxRows());
        logits = memory.allocate(
                memory.activationType(), rows, weight.state().master().rows());
    }

    @Override
    public void run(TrainingPass pass, Tensor loss, Tensor dx, Tensor x) {
        TrainingKernels kernels = pass.kernels();
        for (int from = 0; from < pass.rows(); from += logits.rows()) {
            int to = Math.min(pass.rows(), from + logits.rows());
            Tensor chunk = logits(pass, x, from, to);
            Tensor targets = pass.targets().rowRange(from, to);
            Tensor weights = pass.weights().rowRange(from, to);
            Teacher teacher = pass.teacher();
            Tensor dlogits = teacher == null ? chunk : teacher.gradientRows(to - from);
            kernels.crossEntropy(loss, pass.backward() ? dlogits : null, chunk, targets, weights);
            if (teacher != null) {
                teacher.teach(pass, dlogits, chunk, from, to);
            }
            if (pass.backward()) {
                output.backward(kernels, dx.rowRange(from, to), dlogits, x.rowRange(from, to), Write.SET);
            }
        }
    }

    @Override
    public int logitRows(TrainingPass pass) {
        return pass.rows();
    }

    @Override
    public int outputs() {
        return logits.columns();
    }

    @Override
    public Tensor logits(TrainingPass pass, Tensor x, int from, int to) {
        Tensor chunk = logits.rowRange(0, to - from);
        output.forward(pass.kernels(), chunk, x.rowRange(from, to));
        return chunk;
    }
}
