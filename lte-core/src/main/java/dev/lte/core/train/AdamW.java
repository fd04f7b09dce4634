package dev.lte.core.train;

import dev.lte.backend.AdamWSpec;
import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.ParameterState;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import java.util.List;
import java.util.Objects;

/**
 * AdamW over some parameters, whose gradients are clipped together by their global norm. Only the rate and the corrections of a step
 * go to the device; nothing comes back but by {@link #norm}. Not thread-safe.
 */
public final class AdamW implements AutoCloseable {
    private final Backend backend;
    private final KernelQueue queue;
    private final TrainingKernels kernels;
    private final List<Parameter> parameters;
    private List<Parameter> trained = List.of();
    private List<ParameterState> states = List.of();
    private List<Tensor> gradients = List.of();
    private final AdamWSpec spec;
    private final float maxNorm;
    private final Tensor squares;
    private final Tensor factor;
    private final Tensor settings;
    private final Repeated update;
    private long steps;

    /**
     * Sets the moments of the parameters to 0.
     *
     * @param maxNorm above 0, infinite not to clip
     */
    public AdamW(Backend backend, KernelQueue queue, List<Parameter> parameters, AdamWSpec spec, float maxNorm) {
        this.backend = backend;
        this.queue = queue;
        kernels = Objects.requireNonNull(queue.training(), "the backend offers no training");
        this.parameters = List.copyOf(parameters);
        this.spec = spec;
        this.maxNorm = maxNorm;
        squares = backend.allocate(DType.F32, 1, 1);
        factor = backend.allocate(DType.F32, 1, 1);
        settings = backend.allocate(DType.F32, 1, 3);
        update = new Repeated(queue, this::clipAndApply);
        for (Parameter parameter : parameters) {
            kernels.fill(parameter.state().mean(), 0);
            kernels.fill(parameter.state().square(), 0);
        }
    }

    /** Steps taken; the next one is the {@code steps + 1}st. */
    public long steps() {
        return steps;
    }

    /** Continues after so many steps, with moments restored from elsewhere. */
    public void restore(long steps) {
        this.steps = steps;
    }

    /**
     * Clips and applies the accumulated gradients of the parameters that are trained; changes nothing if any of them is not
     * finite.
     */
    public void step(float rate) {
        steps++;
        select();
        float meanCorrection = (float) (1 / (1 - Math.pow(spec.beta1(), steps)));
        float squareCorrection = (float) (1 / (1 - Math.pow(spec.beta2(), steps)));
        queue.write(settings, new float[] {rate, meanCorrection, squareCorrection});
        update.run();
    }

    private void clipAndApply() {
        kernels.fill(squares, 0);
        kernels.addSquares(squares, gradients);
        kernels.clipFactor(factor, squares, maxNorm);
        kernels.adamW(states, factor, settings, spec);
    }

    /** The lists stay the same objects as long as nothing is frozen, so that a backend can remember them. */
    private void select() {
        List<Parameter> now = parameters.stream().filter(Parameter::isTrained).toList();
        if (!now.equals(trained)) {
            update.close();
            trained = now;
            states = now.stream().map(Parameter::state).toList();
            gradients = states.stream().map(ParameterState::gradient).toList();
        }
    }

    /** The squared norm of all gradients of the last step before clipping, (1, 1). */
    public Tensor squares() {
        return squares;
    }

    /** The norm of all gradients of the last step before clipping, NaN or infinite if they were; waits for the queue. */
    public double norm() {
        float[] value = new float[1];
        queue.read(squares, value);
        return Math.sqrt(value[0]);
    }

    @Override
    public void close() {
        update.close();
        backend.free(squares);
        backend.free(factor);
        backend.free(settings);
    }
}
