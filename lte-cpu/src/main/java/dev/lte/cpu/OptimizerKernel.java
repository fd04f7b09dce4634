package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.L;

import dev.lte.backend.AdamWSpec;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/** Norms of gradients and AdamW, each row of a parameter in pieces of {@value #PIECE} elements. */
final class OptimizerKernel {
    /** Long enough to be worth an item, short enough for sums in F32 lanes. */
    private static final int PIECE = 1 << 13;

    /** Elements below which one thread is faster. */
    private static final int SMALL = 1 << 15;

    private static final double CLIP_EPSILON = 1e-6;

    private final WorkerPool pool;
    private final WorkerPool.Task squaring = this::square;
    private final WorkerPool.Task stepping = this::step;
    private double[] sums = {};

    private @Nullable CpuTensor master;
    private @Nullable CpuTensor copy;
    private @Nullable CpuTensor gradient;
    private @Nullable CpuTensor mean;
    private @Nullable CpuTensor square;
    private int pieces;
    private float factor;
    private float rate;
    private float meanCorrection;
    private float squareCorrection;
    private float beta1;
    private float beta2;
    private float epsilon;
    private float shrink;

    OptimizerKernel(WorkerPool pool) {
        this.pool = pool;
    }

    /** The sum of the squares of all elements. */
    double squares(CpuTensor tensor) {
        gradient = tensor;
        int items = cut(tensor);
        if (sums.length < items) {
            sums = new double[items];
        }
        Arrays.fill(sums, 0, items, 0);
        run(squaring, tensor, items);
        double total = 0;
        for (int i = 0; i < items; i++) {
            total += sums[i];
        }
        gradient = null;
        return total;
    }

    static float clipFactor(float squares, float maxNorm) {
        return Float.isFinite(squares) ? (float) Math.min(1, maxNorm / (Math.sqrt(squares) + CLIP_EPSILON)) : Float.NaN;
    }

    /** What is common to the parameters of one call. */
    void begin(CpuTensor factor, CpuTensor settings, AdamWSpec spec) {
        this.factor = factor.floats()[factor.rowStart(0)];
        float[] numbers = settings.floats();
        int at = settings.rowStart(0);
        rate = numbers[at];
        meanCorrection = numbers[at + 1];
        squareCorrection = numbers[at + 2];
        beta1 = spec.beta1();
        beta2 = spec.beta2();
        epsilon = spec.epsilon();
        shrink = (float) (1 - (double) rate * spec.weightDecay());
    }

    /** One step for one parameter; nothing if the gradients are not finite. */
    void step(CpuTensor master, @Nullable CpuTensor copy, CpuTensor gradient, CpuTensor mean, CpuTensor square) {
        if (Float.isNaN(factor)) {
            return;
        }
        this.master = master;
        this.copy = copy;
        this.gradient = gradient;
        this.mean = mean;
        this.square = square;
        run(stepping, master, cut(master));
        this.master = null;
        this.copy = null;
        this.gradient = null;
        this.mean = null;
        this.square = null;
    }

    private int cut(CpuTensor tensor) {
        pieces = (tensor.columns() + PIECE - 1) / PIECE;
        return pieces * tensor.rows();
    }

    private void run(WorkerPool.Task task, CpuTensor tensor, int items) {
        if ((long) tensor.rows() * tensor.columns() < SMALL) {
            for (int i = 0; i < items; i++) {
                task.run(i, 0);
            }
        } else {
            pool.run(task, items);
        }
    }

    private void square(int item, int worker) {
        CpuTensor x = gradient;
        if (x != null) {
            int from = item % pieces * PIECE;
            int at = x.rowStart(item / pieces) + from;
            sums[item] = TrainingSums.dot(x.floats(), at, x.floats(), at, Math.min(PIECE, x.columns() - from));
        }
    }

    private void step(int item, int worker) {
        CpuTensor p = master;
        CpuTensor g = gradient;
        CpuTensor m = mean;
        CpuTensor v = square;
        if (p == null || g == null || m == null || v == null) {
            return;
        }
        int row = item / pieces;
        int from = item % pieces * PIECE;
        int count = Math.min(PIECE, p.columns() - from);
        int at = p.rowStart(row) + from;
        step(
                p.floats(),
                at,
                g.floats(),
                g.rowStart(row) + from,
                m.floats(),
                m.rowStart(row) + from,
                v.floats(),
                v.rowStart(row) + from,
                count);
        if (copy != null) {
            copy.writeRow(row, from, count, p.floats(), at);
        }
    }

    private void step(float[] p, int pAt, float[] g, int gAt, float[] m, int mAt, float[] v, int vAt, int count) {
        float rest1 = (float) (1.0 - beta1);
        float rest2 = (float) (1.0 - beta2);
        int i = 0;
        for (; i <= count - L; i += L) {
            FloatVector slope = FloatVector.fromArray(F, g, gAt + i).mul(factor);
            FloatVector first = FloatVector.fromArray(F, m, mAt + i).mul(beta1).add(slope.mul(rest1));
            FloatVector second = FloatVector.fromArray(F, v, vAt + i)
                    .mul(beta2)
                    .add(slope.mul(slope).mul(rest2));
            first.intoArray(m, mAt + i);
            second.intoArray(v, vAt + i);
            FloatVector size = second.mul(squareCorrection).sqrt().add(epsilon);
            FloatVector step = first.mul(meanCorrection).div(size).mul(rate);
            FloatVector.fromArray(F, p, pAt + i).mul(shrink).sub(step).intoArray(p, pAt + i);
        }
        for (; i < count; i++) {
            float slope = g[gAt + i] * factor;
            float first = m[mAt + i] * beta1 + slope * rest1;
            float second = v[vAt + i] * beta2 + slope * slope * rest2;
            m[mAt + i] = first;
            v[vAt + i] = second;
            float size = (float) Math.sqrt(second * squareCorrection) + epsilon;
            p[pAt + i] = p[pAt + i] * shrink - first * meanCorrection / size * rate;
        }
    }
}
