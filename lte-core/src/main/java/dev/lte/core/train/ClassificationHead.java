package dev.lte.core.train;

import static dev.lte.core.arch.WeightRole.*;

import dev.lte.backend.Activation;
import dev.lte.backend.DType;
import dev.lte.backend.Gating;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import dev.lte.backend.Write;
import dev.lte.core.arch.ModelConfig;

/** Classes of whole sequences from the hidden states of their first tokens: {@code output tanh(dense x)} (RoBERTa). */
final class ClassificationHead implements TaskHead {
    private final TrainableLinear dense;
    private final TrainableLinear output;
    private final Tensor first;
    private final Tensor dfirst;
    private final Tensor projected;
    private final Tensor active;
    private final Tensor dactive;
    private final Tensor logits;
    private final TrainingMemory.Rows dx;

    ClassificationHead(ModelConfig config, Parameters parameters, TrainingMemory memory, int maxSequences) {
        dense = new TrainableLinear(parameters.add(0, CLASSIFIER_DENSE), parameters.find(0, CLASSIFIER_DENSE_BIAS));
        output = new TrainableLinear(parameters.add(0, CLASSIFIER_OUTPUT), parameters.find(0, CLASSIFIER_OUTPUT_BIAS));
        DType type = memory.activationType();
        int model = config.model();
        first = memory.allocate(type, maxSequences, model);
        dfirst = memory.allocate(type, maxSequences, model);
        projected = memory.allocate(type, maxSequences, model);
        active = memory.allocate(type, maxSequences, model);
        dactive = memory.allocate(type, maxSequences, model);
        logits = memory.allocate(type, maxSequences, config.classes());
        dx = memory.exact(model);
    }

    @Override
    public void run(TrainingPass pass, Tensor loss, Tensor dx, Tensor x) {
        TrainingKernels kernels = pass.kernels();
        int rows = logitRows(pass);
        Tensor result = logits(pass, x, 0, rows);
        Teacher teacher = pass.teacher();
        Tensor dlogits = teacher == null ? result : teacher.gradientRows(rows);
        kernels.crossEntropy(loss, pass.backward() ? dlogits : null, result, pass.targets(), pass.weights());
        if (teacher != null) {
            teacher.teach(pass, dlogits, result, 0, rows);
        }
        if (!pass.backward()) {
            return;
        }
        Tensor din = dactive.rowRange(0, rows);
        Tensor in = projected.rowRange(0, rows);
        output.backward(kernels, din, dlogits, active.rowRange(0, rows), Write.SET);
        kernels.ffnActivationBackward(null, in, null, din, null, in, null, Activation.TANH, Gating.NONE);
        Tensor dgathered = dfirst.rowRange(0, rows);
        dense.backward(kernels, dgathered, in, first.rowRange(0, rows), Write.SET);
        Tensor scattered = this.dx.of(pass);
        kernels.fill(scattered, 0);
        kernels.embedBackward(scattered, dgathered, pass.firstRows(), 1);
        kernels.copy(dx, scattered);
    }

    @Override
    public int logitRows(TrainingPass pass) {
        return pass.firstRows().rows();
    }

    @Override
    public int outputs() {
        return logits.columns();
    }

    @Override
    public Tensor logits(TrainingPass pass, Tensor x, int from, int to) {
        TrainingKernels kernels = pass.kernels();
        Tensor gathered = first.rowRange(from, to);
        Tensor in = projected.rowRange(from, to);
        Tensor out = active.rowRange(from, to);
        kernels.embed(gathered, x, pass.firstRows().rowRange(from, to), 1, Write.SET);
        dense.forward(kernels, in, gathered);
        kernels.ffnActivation(out, null, in, null, Activation.TANH, Gating.NONE);
        output.forward(kernels, logits.rowRange(from, to), out);
        return logits.rowRange(from, to);
    }
}
