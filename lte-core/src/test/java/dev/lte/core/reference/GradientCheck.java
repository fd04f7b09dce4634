package dev.lte.core.reference;

import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.backend.TrainingKernels;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * Gradients of the reference backend against differences of its own forward operations.
 *
 * <p>The loss is the sum of all outputs times fixed random factors, in double. Its slope is taken from five points,
 * {@code (8 (f(x + h) - f(x - h)) - (f(x + 2h) - f(x - 2h))) / 12h} with h = 1/32, which errs by {@code h^4 / 30 = 3e-8} of the
 * fifth derivative. Outputs are rounded to F32, which the formula magnifies to about 3e-6 for outputs around 1 (a random walk
 * over some tens of them). Inputs lie on a grid of 1/256, so that x + h is exact. {@link #TOLERANCE} leaves a factor of 20 for
 * larger outputs and curvature; a wrong term or factor of a gradient is three orders of magnitude larger.
 */
final class GradientCheck implements AutoCloseable {
    /** Allowed difference, relative to 1 plus the magnitude of the gradient. */
    static final double TOLERANCE = 6e-5;

    private static final float STEP = 1f / 32;
    private static final float GRID = 256;

    /** Inputs stay this far from 0: two steps and a bit, so that no difference crosses the kink of a function. */
    private static final float KINK = 3f / 32;

    private record Loss(Tensor output, Tensor factors) {}

    private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
    private final KernelQueue queue = backend.openQueue();
    private final long seed;
    private final SplittableRandom random;
    private final List<Loss> losses = new ArrayList<>();

    GradientCheck(long seed) {
        this.seed = seed;
        random = new SplittableRandom(seed);
    }

    TrainingKernels kernels() {
        return Objects.requireNonNull(queue.training());
    }

    KernelQueue queue() {
        return queue;
    }

    /** Random values around 0, none of them very near. */
    Tensor values(int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            float value = Math.round(random.nextGaussian() * GRID) / GRID;
            values[i] = value + (value < 0 ? -KINK : KINK);
        }
        return write(values, rows, columns);
    }

    /** Random values from 1/8 to 7/8. */
    Tensor scores(int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextInt(32, 225) / GRID;
        }
        return write(values, rows, columns);
    }

    Tensor write(float[] values, int rows, int columns) {
        Tensor tensor = zeros(rows, columns);
        queue.write(tensor, values);
        return tensor;
    }

    Tensor zeros(int rows, int columns) {
        return backend.allocate(DType.F32, rows, columns);
    }

    Tensor integers(int... values) {
        Tensor tensor = backend.allocate(DType.I32, values.length, 1);
        queue.write(tensor, values);
        return tensor;
    }

    float[] read(Tensor tensor) {
        float[] values = new float[tensor.rows() * tensor.columns()];
        queue.read(tensor, values);
        return values;
    }

    /** Makes an output part of the loss; returns the gradient of the loss with respect to it. */
    Tensor gradientOf(Tensor output) {
        Tensor factors = values(output.rows(), output.columns());
        losses.add(new Loss(output, factors));
        return factors;
    }

    /** Makes an output, a scalar loss perhaps, part of the loss with these factors. */
    void addLoss(Tensor output, float... factors) {
        losses.add(new Loss(output, write(factors, output.rows(), output.columns())));
    }

    /** Compares the gradient with differences; {@code forward} recomputes all outputs from scratch. */
    void check(String what, Tensor x, Tensor dx, Runnable forward) {
        float[] at = read(x);
        float[] gradient = read(dx);
        for (int i = 0; i < at.length; i++) {
            double slope = (8 * (loss(x, at, i, 1, forward) - loss(x, at, i, -1, forward))
                            - (loss(x, at, i, 2, forward) - loss(x, at, i, -2, forward)))
                    / (12 * STEP);
            if (!(Math.abs(slope - gradient[i]) <= TOLERANCE * (1 + Math.abs(slope)))) {
                throw new AssertionError(what + ", seed " + seed + ": gradient [" + i / x.columns() + "]["
                        + i % x.columns() + "] is " + gradient[i] + ", differences say " + slope);
            }
        }
        queue.write(x, at);
        forward.run();
    }

    private double loss(Tensor x, float[] at, int index, int steps, Runnable forward) {
        float[] moved = at.clone();
        moved[index] += steps * STEP;
        queue.write(x, moved);
        forward.run();
        double sum = 0;
        for (Loss loss : losses) {
            float[] output = read(loss.output());
            float[] factors = read(loss.factors());
            for (int i = 0; i < output.length; i++) {
                sum += (double) output[i] * factors[i];
            }
        }
        return sum;
    }

    @Override
    public void close() {
        queue.close();
        backend.close();
    }
}
