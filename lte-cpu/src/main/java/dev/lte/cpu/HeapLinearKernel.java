package dev.lte.cpu;

import dev.lte.backend.Write;
import org.jspecify.annotations.Nullable;

/**
 * {@code out[t][r] = weight[r] . x[t] + bias[r]} for a weight that is an ordinary F32, F16 or BF16 tensor, such as one that
 * {@code allocate} made: row by row, without packing.
 */
final class HeapLinearKernel implements WorkerPool.Task {
    private static final int ITEM_ROWS = 16;

    private final WorkerPool pool;
    private final Scratch scratch;
    private @Nullable CpuTensor out;
    private @Nullable CpuTensor x;
    private @Nullable CpuTensor weight;
    private @Nullable CpuTensor bias;
    private boolean add;

    HeapLinearKernel(WorkerPool pool) {
        this.pool = pool;
        scratch = new Scratch(pool.threads());
    }

    void run(CpuTensor out, CpuTensor x, CpuTensor weight, @Nullable CpuTensor bias, Write write) {
        this.out = out;
        this.x = x;
        this.weight = weight;
        this.bias = bias;
        add = write == Write.ADD;
        pool.run(this, (weight.rows() + ITEM_ROWS - 1) / ITEM_ROWS);
    }

    @Override
    public void run(int item, int worker) {
        CpuTensor w = weight;
        CpuTensor from = x;
        CpuTensor to = out;
        if (w == null || from == null || to == null) {
            return;
        }
        int columns = w.columns();
        float[] row = scratch.floats(worker, columns);
        for (int r = item * ITEM_ROWS; r < Math.min(w.rows(), (item + 1) * ITEM_ROWS); r++) {
            w.readRow(r, 0, columns, row, 0);
            float b = bias == null ? 0 : bias.floats()[bias.rowStart(0) + r];
            for (int t = 0; t < to.rows(); t++) {
                float sum = b + AttentionMath.dot(row, 0, from.floats(), from.rowStart(t), columns);
                int at = to.rowStart(t) + r;
                to.floats()[at] = add ? to.floats()[at] + sum : sum;
            }
        }
    }
}
