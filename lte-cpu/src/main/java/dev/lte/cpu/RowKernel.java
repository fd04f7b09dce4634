package dev.lte.cpu;

import dev.lte.backend.Activation;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Tensor;

/** Operations that copy or change rows element by element. */
final class RowKernel implements WorkerPool.Task {
    private enum Operation {
        ADD,
        ACTIVATE,
        SOFTCAP
    }

    /** Elements below which one thread is faster. */
    private static final int SMALL = 1 << 15;

    /** Elements of one item. */
    private static final int ITEM = 1 << 13;

    private final WorkerPool pool;
    private final Pages pages = new Pages();
    private float[] row = {};
    private final PackBuffer buffer = new PackBuffer();
    private Operation operation = Operation.ADD;
    private float[] y = {};
    private int yStart;
    private int yStride;
    private float[] x = {};
    private int xStart;
    private int xStride;
    private int columns;
    private int chunks;
    private Activation activation = Activation.SILU;
    private float cap;

    RowKernel(WorkerPool pool) {
        this.pool = pool;
    }

    void add(CpuTensor y, CpuTensor x) {
        this.x = x.floats();
        xStart = x.rowStart(0);
        xStride = x.stride();
        run(Operation.ADD, y);
    }

    void activate(CpuTensor x, Activation activation) {
        this.activation = activation;
        run(Operation.ACTIVATE, x);
    }

    void softcap(CpuTensor x, float cap) {
        this.cap = cap;
        run(Operation.SOFTCAP, x);
    }

    private void run(Operation operation, CpuTensor target) {
        this.operation = operation;
        y = target.floats();
        yStart = target.rowStart(0);
        yStride = target.stride();
        columns = target.columns();
        chunks = (columns + ITEM - 1) / ITEM;
        int items = chunks * target.rows();
        if ((long) columns * target.rows() < SMALL) {
            for (int i = 0; i < items; i++) {
                run(i, 0);
            }
        } else {
            pool.run(this, items);
        }
    }

    @Override
    public void run(int item, int worker) {
        int t = item / chunks;
        int from = item % chunks * ITEM;
        int count = Math.min(ITEM, columns - from);
        int at = yStart + t * yStride + from;
        switch (operation) {
            case ADD -> add(y, at, x, xStart + t * xStride + from, count);
            case ACTIVATE -> VectorMath.activate(activation, y, at, count);
            case SOFTCAP -> VectorMath.softcap(y, at, count, cap);
        }
    }

    private static void add(float[] y, int yStart, float[] x, int xStart, int count) {
        for (int i = 0; i < count; i++) {
            y[yStart + i] += x[xStart + i];
        }
    }

    /** {@code out[t] = scale * table[ids[t]]}, added if wanted; indices are clamped into the table. */
    void embed(CpuTensor out, Tensor table, CpuTensor ids, float scale, boolean add) {
        float[] to = out.floats();
        reserve(out.columns());
        for (int t = 0; t < out.rows(); t++) {
            int id = Math.clamp(ids.ints()[ids.rowStart(t)], 0, table.rows() - 1);
            if (table instanceof TiledWeight weight) {
                weight.readRow(id, row, 0, buffer);
            } else {
                ((CpuTensor) table).readRow(id, 0, out.columns(), row, 0);
            }
            int at = out.rowStart(t);
            for (int i = 0; i < out.columns(); i++) {
                to[at + i] = add ? to[at + i] + scale * row[i] : scale * row[i];
            }
        }
    }

    /** {@code out[s] = x[rows[s]]}, indices clamped. */
    void gather(CpuTensor out, CpuTensor x, CpuTensor rows) {
        for (int s = 0; s < out.rows(); s++) {
            int r = Math.clamp(rows.ints()[rows.rowStart(s)], 0, x.rows() - 1);
            System.arraycopy(x.floats(), x.rowStart(r), out.floats(), out.rowStart(s), out.columns());
        }
    }

    /** Stores the rows of k and v at their positions in the cache; padding rows and rows without a page nowhere. */
    void append(CpuTensor keyCache, CpuTensor valueCache, CpuTensor k, CpuTensor v, RowBatch rows) {
        pages.set(rows, keyCache.rows());
        for (int t = 0; t < k.rows(); t++) {
            int row = pages.row(pages.sequence(t), pages.position(t));
            if (row >= 0) {
                keyCache.writeRow(row, 0, k.columns(), k.floats(), k.rowStart(t));
                valueCache.writeRow(row, 0, v.columns(), v.floats(), v.rowStart(t));
            }
        }
    }

    private void reserve(int length) {
        if (row.length < length) {
            row = new float[length];
        }
    }
}
