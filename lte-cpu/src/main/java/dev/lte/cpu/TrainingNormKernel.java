package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.L;

import dev.lte.backend.NormSpec;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/**
 * Norms for training, {@code out = (x - mean) * factor * w + b} per group of C columns, forward with statistics and, if there
 * is a branch, the sum before; backward {@code dx = factor * (u - mean(u) - n * mean(u * n))} with {@code n = (x - mean) *
 * factor} and {@code u = dout * w}. Sums per lane in F32. Gradients of w and b are gathered per item of {@value #ITEM_ROWS}
 * rows and added up in the order of rows.
 */
final class TrainingNormKernel {
    private static final int ITEM_ROWS = 32;

    private final WorkerPool pool;
    private final RowCursor[] xRows;
    private final RowCursor[] yRows;
    private final RowCursor[] outRows;
    private final WorkerPool.Task forward = this::forward;
    private final WorkerPool.Task backward = this::backward;
    private float[] weight = {};
    private float[] bias = {};
    private float[] partial = {};

    private @Nullable CpuTensor out;
    private @Nullable CpuTensor statistics;
    private @Nullable CpuTensor sum;
    private @Nullable CpuTensor x;
    private @Nullable CpuTensor branch;
    private int rows;
    private int groups;
    private int columns;
    private boolean layer;
    private boolean add;
    private double epsilon;

    TrainingNormKernel(WorkerPool pool) {
        this.pool = pool;
        xRows = RowCursor.forAll(pool.threads());
        yRows = RowCursor.forAll(pool.threads());
        outRows = RowCursor.forAll(pool.threads());
    }

    /** With null for sum and branch, the norm of x alone. */
    void forward(
            CpuTensor out,
            CpuTensor statistics,
            @Nullable CpuTensor sum,
            CpuTensor x,
            @Nullable CpuTensor branch,
            CpuTensor weight,
            @Nullable CpuTensor bias,
            NormSpec spec) {
        set(out, statistics, x, weight, spec);
        this.sum = sum;
        this.branch = branch;
        Arrays.fill(this.bias, 0, columns, 0f);
        if (bias != null) {
            bias.readRow(0, 0, columns, this.bias, 0);
        }
        pool.run(forward, (rows + ITEM_ROWS - 1) / ITEM_ROWS);
        forget();
    }

    void backward(
            CpuTensor dx,
            CpuTensor dweight,
            @Nullable CpuTensor dbias,
            CpuTensor dout,
            CpuTensor x,
            CpuTensor statistics,
            CpuTensor weight,
            NormSpec spec,
            boolean add) {
        set(dx, statistics, x, weight, spec);
        branch = dout;
        this.add = add;
        int items = (rows + ITEM_ROWS - 1) / ITEM_ROWS;
        if (partial.length < items * 2 * columns) {
            partial = new float[items * 2 * columns];
        }
        pool.run(backward, items);
        for (int item = 0; item < items; item++) {
            accumulate(dweight.floats(), dweight.rowStart(0), partial, item * 2 * columns, columns);
            if (dbias != null) {
                accumulate(dbias.floats(), dbias.rowStart(0), partial, (item * 2 + 1) * columns, columns);
            }
        }
        forget();
    }

    private void set(CpuTensor out, CpuTensor statistics, CpuTensor x, CpuTensor weight, NormSpec spec) {
        this.out = out;
        this.statistics = statistics;
        this.x = x;
        rows = x.rows();
        columns = weight.columns();
        groups = x.columns() / columns;
        layer = spec.kind() == NormSpec.Kind.LAYER;
        epsilon = spec.epsilon();
        if (this.weight.length < columns) {
            this.weight = new float[columns];
            bias = new float[columns];
        }
        weight.readRow(0, 0, columns, this.weight, 0);
        for (int i = 0; i < columns; i++) {
            this.weight[i] += spec.weightOffset();
        }
    }

    private void forget() {
        out = null;
        statistics = null;
        sum = null;
        x = null;
        branch = null;
    }

    private void forward(int item, int worker) {
        CpuTensor to = out;
        CpuTensor from = x;
        CpuTensor moments = statistics;
        if (to == null || from == null || moments == null) {
            return;
        }
        for (int t = item * ITEM_ROWS; t < Math.min(rows, (item + 1) * ITEM_ROWS); t++) {
            RowCursor in = xRows[worker].read(from, t);
            if (branch != null && sum != null) {
                add(in, yRows[worker].read(branch, t), outRows[worker].overwrite(sum, t), from.columns());
                outRows[worker].store(sum, t);
                in.read(sum, t);
            }
            RowCursor result = outRows[worker].overwrite(to, t);
            for (int g = 0; g < groups; g++) {
                int at = in.start() + g * columns;
                float mean = layer ? (float) (NormKernel.sum(in.values(), at, columns) / columns) : 0;
                double variance = NormKernel.squares(in.values(), at, columns, mean) / columns;
                float factor = (float) (1 / Math.sqrt(variance + epsilon));
                moments.floats()[moments.rowStart(t) + 2 * g] = mean;
                moments.floats()[moments.rowStart(t) + 2 * g + 1] = factor;
                scale(in.values(), at, mean, factor, result.values(), result.start() + g * columns);
            }
            result.store(to, t);
        }
    }

    private static void add(RowCursor a, RowCursor b, RowCursor sum, int count) {
        add(a.values(), a.start(), b.values(), b.start(), sum.values(), sum.start(), count);
    }

    private static void add(float[] a, int aStart, float[] b, int bStart, float[] sum, int sumStart, int count) {
        for (int i = 0; i < count; i++) {
            sum[sumStart + i] = a[aStart + i] + b[bStart + i];
        }
    }

    private static void accumulate(float[] sum, int sumStart, float[] x, int xStart, int count) {
        for (int i = 0; i < count; i++) {
            sum[sumStart + i] += x[xStart + i];
        }
    }

    private void scale(float[] from, int start, float mean, float factor, float[] to, int toStart) {
        float[] w = weight;
        float[] b = bias;
        for (int i = 0; i < columns; i++) {
            to[toStart + i] = (from[start + i] - mean) * factor * w[i] + b[i];
        }
    }

    private void backward(int item, int worker) {
        CpuTensor dx = out;
        CpuTensor from = x;
        CpuTensor dout = branch;
        CpuTensor moments = statistics;
        if (dx == null || from == null || dout == null || moments == null) {
            return;
        }
        int dweight = item * 2 * columns;
        Arrays.fill(partial, dweight, dweight + 2 * columns, 0f);
        for (int t = item * ITEM_ROWS; t < Math.min(rows, (item + 1) * ITEM_ROWS); t++) {
            RowCursor in = xRows[worker].read(from, t);
            RowCursor dy = yRows[worker].read(dout, t);
            RowCursor to = add ? outRows[worker].read(dx, t) : outRows[worker].overwrite(dx, t);
            for (int g = 0; g < groups; g++) {
                float mean = moments.floats()[moments.rowStart(t) + 2 * g];
                float factor = moments.floats()[moments.rowStart(t) + 2 * g + 1];
                int at = in.start() + g * columns;
                int dyAt = dy.start() + g * columns;
                gather(in.values(), at, dy.values(), dyAt, mean, factor, partial, dweight);
                double meanU = layer ? sumOfProducts(dy.values(), dyAt, weight, columns) / columns : 0;
                double meanUn = sumOfProducts(in.values(), at, dy.values(), dyAt, mean, factor) / columns;
                int toAt = to.start() + g * columns;
                differentiate(
                        in.values(),
                        at,
                        dy.values(),
                        dyAt,
                        mean,
                        factor,
                        (float) meanU,
                        (float) meanUn,
                        to.values(),
                        toAt);
            }
            to.store(dx, t);
        }
    }

    /** {@code dw += dout * n}, {@code db += dout}. */
    private void gather(
            float[] from, int at, float[] dy, int dyAt, float mean, float factor, float[] sums, int sumStart) {
        int n = columns;
        for (int i = 0; i < n; i++) {
            sums[sumStart + i] += dy[dyAt + i] * ((from[at + i] - mean) * factor);
        }
        for (int i = 0; i < n; i++) {
            sums[sumStart + n + i] += dy[dyAt + i];
        }
    }

    private static double sumOfProducts(float[] a, int aStart, float[] b, int count) {
        FloatVector sum = FloatVector.zero(F);
        int i = 0;
        for (; i <= count - L; i += L) {
            sum = FloatVector.fromArray(F, a, aStart + i).fma(FloatVector.fromArray(F, b, i), sum);
        }
        double total = Lanes.sum(sum);
        for (; i < count; i++) {
            total += (double) a[aStart + i] * b[i];
        }
        return total;
    }

    /** Of u and n. */
    private double sumOfProducts(float[] from, int at, float[] dy, int dyAt, float mean, float factor) {
        float[] w = weight;
        FloatVector sum = FloatVector.zero(F);
        int i = 0;
        for (; i <= columns - L; i += L) {
            FloatVector n = FloatVector.fromArray(F, from, at + i).sub(mean).mul(factor);
            FloatVector u = FloatVector.fromArray(F, dy, dyAt + i).mul(FloatVector.fromArray(F, w, i));
            sum = n.fma(u, sum);
        }
        double total = Lanes.sum(sum);
        for (; i < columns; i++) {
            total += (double) ((from[at + i] - mean) * factor) * (dy[dyAt + i] * w[i]);
        }
        return total;
    }

    private void differentiate(
            float[] from,
            int at,
            float[] dy,
            int dyAt,
            float mean,
            float factor,
            float meanU,
            float meanUn,
            float[] to,
            int toAt) {
        float[] w = weight;
        if (add) {
            for (int i = 0; i < columns; i++) {
                float n = (from[at + i] - mean) * factor;
                to[toAt + i] += factor * (dy[dyAt + i] * w[i] - meanU - n * meanUn);
            }
        } else {
            for (int i = 0; i < columns; i++) {
                float n = (from[at + i] - mean) * factor;
                to[toAt + i] = factor * (dy[dyAt + i] * w[i] - meanU - n * meanUn);
            }
        }
    }
}
