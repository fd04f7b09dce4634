package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.L;

import dev.lte.backend.NormSpec;
import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/**
 * Per group of C columns: {@code out = (x - mean) / sqrt(var + eps) * (w + offset) + b} (LAYER) or
 * {@code out = x / sqrt(mean(x^2) + eps) * (w + offset) + b} (RMS); x and out (T, G x C), w and b (C). Sums per lane in F32,
 * lanes and the rest in F64.
 */
final class NormKernel implements WorkerPool.Task {
    /** Elements below which one thread is faster. */
    private static final int SMALL = 1 << 15;

    private static final int ITEM_ROWS = 8;

    private final WorkerPool pool;
    private float[] out = {};
    private float[] x = {};
    private int outStart;
    private int outStride;
    private int xStart;
    private int xStride;
    private int rows;
    private int groups;
    private int columns;
    private float[] weight = {};
    private float[] bias = {};
    private boolean biased;
    private boolean layer;
    private double epsilon;

    NormKernel(WorkerPool pool) {
        this.pool = pool;
    }

    /**
     * @param weight C values
     * @param bias C values or null
     */
    void run(CpuTensor out, CpuTensor x, CpuTensor weight, @Nullable CpuTensor bias, NormSpec spec) {
        this.out = out.floats();
        outStart = out.rowStart(0);
        outStride = out.stride();
        this.x = x.floats();
        xStart = x.rowStart(0);
        xStride = x.stride();
        rows = x.rows();
        columns = weight.columns();
        groups = x.columns() / columns;
        if (this.weight.length < columns) {
            this.weight = new float[columns];
            this.bias = new float[columns];
        }
        weight.readRow(0, 0, columns, this.weight, 0);
        for (int i = 0; i < columns; i++) {
            this.weight[i] += spec.weightOffset();
        }
        biased = bias != null;
        if (bias != null) {
            bias.readRow(0, 0, columns, this.bias, 0);
        }
        layer = spec.kind() == NormSpec.Kind.LAYER;
        epsilon = spec.epsilon();
        int items = (rows + ITEM_ROWS - 1) / ITEM_ROWS;
        if ((long) rows * x.columns() < SMALL) {
            for (int i = 0; i < items; i++) {
                run(i, 0);
            }
        } else {
            pool.run(this, items);
        }
    }

    @Override
    public void run(int item, int worker) {
        for (int t = item * ITEM_ROWS; t < Math.min(rows, (item + 1) * ITEM_ROWS); t++) {
            for (int g = 0; g < groups; g++) {
                int from = xStart + t * xStride + g * columns;
                int to = outStart + t * outStride + g * columns;
                double mean = layer ? sum(x, from, columns) / columns : 0;
                double variance = squares(x, from, columns, (float) mean) / columns;
                scale(from, to, (float) mean, (float) (1 / Math.sqrt(variance + epsilon)));
            }
        }
    }

    static double sum(float[] x, int start, int count) {
        FloatVector sum = FloatVector.zero(F);
        int i = 0;
        for (; i <= count - L; i += L) {
            sum = sum.add(FloatVector.fromArray(F, x, start + i));
        }
        double total = Lanes.sum(sum);
        for (; i < count; i++) {
            total += x[start + i];
        }
        return total;
    }

    static double squares(float[] x, int start, int count, float mean) {
        FloatVector sum = FloatVector.zero(F);
        int i = 0;
        for (; i <= count - L; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, start + i).sub(mean);
            sum = v.fma(v, sum);
        }
        double total = Lanes.sum(sum);
        for (; i < count; i++) {
            double v = x[start + i] - mean;
            total += v * v;
        }
        return total;
    }

    private void scale(int from, int to, float mean, float factor) {
        float[] w = weight;
        for (int i = 0; i < columns; i++) {
            out[to + i] = (x[from + i] - mean) * factor * w[i];
        }
        if (biased) {
            float[] b = bias;
            for (int i = 0; i < columns; i++) {
                out[to + i] += b[i];
            }
        }
    }
}
