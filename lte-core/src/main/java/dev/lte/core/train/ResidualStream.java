package dev.lte.core.train;

import dev.lte.backend.DType;
import dev.lte.backend.Tensor;
import dev.lte.backend.Write;
import dev.lte.core.train.TrainingMemory.Rows;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The branches of all layers along the residual stream, with norms before them, {@code x + f(norm(x))}, behind the sum,
 * {@code norm(x + f(x))}, or around them, {@code x + norm(f(norm(x)))}. A sum and the norm that follows it are one operation.
 *
 * <p>The stream and its gradient are F32 whatever the type of activations; norms round what goes into branches.
 */
final class ResidualStream {
    /**
     * A branch and its norms.
     *
     * @param before over the branch's input, or null
     * @param around over the branch's output, or null
     * @param behind over the sum, or null
     */
    record Step(
            Branch branch,
            @Nullable TrainableNorm before,
            @Nullable TrainableNorm around,
            @Nullable TrainableNorm behind) {}

    private final List<Step> steps;
    private final @Nullable TrainableNorm last;
    private final boolean rounded;
    /** What flows into each step, and what comes out of the last: sums, or norms of sums. */
    private final List<Rows> streams = new ArrayList<>();
    /** The inputs of branches. */
    private final List<Rows> inputs = new ArrayList<>();
    /** Sums in front of norms behind, outputs of branches in front of norms around them. */
    private final List<@Nullable Rows> kept = new ArrayList<>();

    private final Rows output;
    private final Rows branch;
    private final Rows dstream;
    private final Rows dbranch;
    private final Rows dinput;

    /** @param last the norm behind the last step, or null */
    ResidualStream(List<Step> steps, @Nullable TrainableNorm last, int model, TrainingMemory memory) {
        this.steps = List.copyOf(steps);
        this.last = last;
        rounded = memory.activationType() != DType.F32;
        branch = memory.activation(model);
        for (Step step : steps) {
            boolean follows = step.behind() != null;
            Rows stream = follows ? memory.activation(model) : memory.exact(model);
            streams.add(stream);
            inputs.add(step.before() == null ? stream : memory.activation(model));
            kept.add(follows ? memory.exact(model) : step.around() != null ? memory.activation(model) : null);
        }
        boolean follows = !steps.isEmpty() && steps.getLast().behind() != null;
        streams.add(follows ? memory.activation(model) : memory.exact(model));
        output = last == null ? streams.getLast() : memory.activation(model);
        dstream = memory.exact(model);
        dbranch = rounded ? memory.activation(model) : dstream;
        dinput = memory.activation(model);
    }

    /** Where the embedding goes. */
    Tensor input(TrainingPass pass) {
        return streams.getFirst().of(pass);
    }

    /** (T, D), what the head reads. */
    Tensor output(TrainingPass pass) {
        return output.of(pass);
    }

    /** The gradient of the stream: of the output's norm before {@link #backward}, of the input after it; F32. */
    Tensor gradient(TrainingPass pass) {
        return dstream.of(pass);
    }

    void forward(TrainingPass pass) {
        for (int i = 0; i < steps.size(); i++) {
            Step step = steps.get(i);
            Tensor x = streams.get(i).of(pass);
            Tensor in = inputs.get(i).of(pass);
            if (i == 0 && step.before() != null) {
                step.before().forward(pass, in, x);
            }
            Rows keptRows = kept.get(i);
            Tensor y = step.around() != null && keptRows != null ? keptRows.of(pass) : branch.of(pass);
            step.branch().forward(pass, y, in);
            if (step.around() != null) {
                Tensor normed = branch.of(pass);
                step.around().forward(pass, normed, y);
                y = normed;
            }
            if (step.behind() != null && keptRows != null) {
                step.behind().forward(pass, streams.get(i + 1).of(pass), keptRows.of(pass), x, y);
            } else {
                addBeforeNext(pass, i, x, y);
            }
        }
        if (steps.isEmpty() && last != null) {
            last.forward(pass, output.of(pass), streams.getFirst().of(pass));
        }
    }

    private void addBeforeNext(TrainingPass pass, int i, Tensor x, Tensor y) {
        boolean isLast = i + 1 == steps.size();
        TrainableNorm next = isLast ? last : steps.get(i + 1).before();
        Tensor sum = streams.get(i + 1).of(pass);
        if (next == null) {
            throw new IllegalStateException("expected a norm behind every sum");
        }
        next.forward(pass, isLast ? output.of(pass) : inputs.get(i + 1).of(pass), sum, x, y);
    }

    /** @param doutput (T, D), the gradient of the output; F32 if there is no last norm, which then is {@link #gradient} */
    void backward(TrainingPass pass, Tensor doutput) {
        Tensor dx = dstream.of(pass);
        if (last != null) {
            last.backward(pass, dx, doutput, streams.getLast().of(pass), Write.SET);
        }
        for (int i = steps.size() - 1; i >= 0; i--) {
            backward(pass, i, dx);
        }
    }

    private void backward(TrainingPass pass, int i, Tensor dx) {
        Step step = steps.get(i);
        Rows keptRows = kept.get(i);
        if (step.behind() != null && keptRows != null) {
            step.behind().backward(pass, dx, dx, keptRows.of(pass), Write.SET);
        }
        Tensor dy = dbranch.of(pass);
        if (step.around() != null && keptRows != null) {
            dy = branch.of(pass);
            step.around().backward(pass, dy, dx, keptRows.of(pass), Write.SET);
        } else if (rounded) {
            pass.kernels().copy(dy, dx);
        }
        Tensor in = inputs.get(i).of(pass);
        if (step.before() == null) {
            step.branch().backward(pass, dx, dy, in, Write.ADD);
        } else {
            Tensor din = dinput.of(pass);
            step.branch().backward(pass, din, dy, in, Write.SET);
            step.before().backward(pass, dx, din, streams.get(i).of(pass), Write.ADD);
        }
    }
}
