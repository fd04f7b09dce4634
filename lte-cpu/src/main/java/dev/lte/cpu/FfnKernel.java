package dev.lte.cpu;

import dev.lte.backend.Write;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Feed-forward blocks, dense and sparse: {@code y[t] = sum over active g of E_g(x[t]) + downBias} (LTE, equation 2). x and y
 * are (T, D); {@link ExpertKernel} is E_g.
 *
 * <p>Few rows: the experts that any row wants are cut into a fixed number of segments, each with sums of its own that are
 * added in order at the end, so that results do not depend on which thread was faster. Many rows: threads take groups of rows
 * and run all experts on them, which shares no sums.
 */
final class FfnKernel implements WorkerPool.Task {
    /** Rows up to which experts rather than rows are dealt out, so that an expert is read from memory once. */
    private static final int FEW_ROWS = 16;

    private static final int MAX_GROUP = 256;

    private final WorkerPool pool;
    private final ExpertKernel[] kernels;
    private final ExpertRows[] groups;
    private final Scratch sums;
    private final PreparedRows gateRows = new PreparedRows();
    private final PreparedRows upRows = new PreparedRows();
    private PreparedRows up = upRows;
    private float[] partials = {};

    private @Nullable CpuFfn weights;
    private @Nullable CpuTensor experts;
    private @Nullable CpuTensor counts;
    private float[] y = {};
    private int yStart;
    private int yStride;
    private float[] x = {};
    private int xStart;
    private int xStride;
    private int rows;
    private boolean add;
    private boolean few;
    private int segments;
    private int groupRows;
    private int sumStride;

    FfnKernel(WorkerPool pool) {
        this.pool = pool;
        sums = new Scratch(pool.threads());
        kernels = new ExpertKernel[pool.threads()];
        groups = new ExpertRows[pool.threads()];
        for (int i = 0; i < kernels.length; i++) {
            kernels[i] = new ExpertKernel();
            groups[i] = new ExpertRows();
        }
    }

    /** @param experts the lists and {@code counts} their lengths; both null for a dense run */
    void run(
            CpuTensor y,
            CpuTensor x,
            CpuFfn weights,
            @Nullable CpuTensor experts,
            @Nullable CpuTensor counts,
            Write write) {
        this.weights = weights;
        this.experts = experts;
        this.counts = counts;
        this.y = y.floats();
        yStart = y.rowStart(0);
        yStride = y.stride();
        this.x = x.floats();
        xStart = x.rowStart(0);
        xStride = x.stride();
        rows = y.rows();
        add = write == Write.ADD;
        // Whole panels, plus a cache line so that rows do not fall on the same lines of a cache.
        sumStride = (weights.spec().model() + Gemm.WIDTH - 1) / Gemm.WIDTH * Gemm.WIDTH + 16;
        few = rows <= FEW_ROWS;
        // Many rows need it too, as an expert that few of them want is multiplied without panels.
        int model = weights.spec().model();
        TileFormat gate = weights.gate();
        if (gate != null) {
            gateRows.set(gate, this.x, xStart, xStride, rows, model);
        }
        boolean shared = gate == weights.up();
        if (!shared) {
            upRows.set(weights.up(), this.x, xStart, xStride, rows, model);
        }
        up = shared ? gateRows : upRows;
        if (few) {
            runFew(weights);
        } else {
            groupRows = Math.clamp((rows + 2 * pool.threads() - 1) / (2 * pool.threads()), 8, MAX_GROUP);
            pool.run(this, (rows + groupRows - 1) / groupRows);
        }
    }

    private void runFew(CpuFfn weights) {
        list(groups[0], weights, 0, rows);
        segments = Math.min(groups[0].count(), Math.max(8, 2 * pool.threads()));
        int size = rows * sumStride;
        if (partials.length < segments * size) {
            partials = new float[segments * size];
        }
        Arrays.fill(partials, 0, segments * size, 0f);
        pool.run(this, segments, weights.byteSize() / weights.spec().experts() * groups[0].count() * rows);
        for (int s = 1; s < segments; s++) {
            for (int i = 0; i < size; i++) {
                partials[i] += partials[s * size + i];
            }
        }
        for (int t = 0; t < rows; t++) {
            store(weights, t, partials, segments == 0 ? -1 : t * sumStride);
        }
    }

    private void list(ExpertRows group, CpuFfn weights, int first, int count) {
        CpuTensor lists = experts;
        CpuTensor lengths = counts;
        if (lists == null || lengths == null) {
            group.all(weights.spec().experts(), first, count);
        } else {
            group.selected(weights.spec().experts(), lists, lengths, first, count);
        }
    }

    @Override
    public void run(int item, int worker) {
        CpuFfn ffn = weights;
        if (ffn == null) {
            return;
        }
        if (few) {
            ExpertRows group = groups[0];
            int from = (int) ((long) group.count() * item / segments);
            int to = (int) ((long) group.count() * (item + 1) / segments);
            runExperts(ffn, group, from, to, kernels[worker], partials, -item * rows);
            return;
        }
        int first = item * groupRows;
        int count = Math.min(groupRows, rows - first);
        ExpertRows group = groups[worker];
        list(group, ffn, first, count);
        float[] sum = sums.floats(worker, count * sumStride);
        Arrays.fill(sum, 0, count * sumStride, 0f);
        runExperts(ffn, group, 0, group.count(), kernels[worker], sum, first);
        for (int t = 0; t < count; t++) {
            store(ffn, first + t, sum, t * sumStride);
        }
    }

    private void runExperts(
            CpuFfn ffn, ExpertRows group, int from, int to, ExpertKernel kernel, float[] sum, int sumRow) {
        for (int i = from; i < to; i++) {
            int first = group.start(i);
            int count = group.start(i + 1) - first;
            kernel.run(
                    ffn,
                    group.expert(i),
                    x,
                    xStart,
                    xStride,
                    gateRows,
                    up,
                    group.rows(),
                    first,
                    count,
                    sum,
                    sumRow,
                    sumStride);
        }
    }

    /** Writes one row's sums and bias to y; no sums at all if {@code sumStart} is negative. */
    private void store(CpuFfn ffn, int row, float[] sum, int sumStart) {
        int at = yStart + row * yStride;
        int model = ffn.spec().model();
        if (!add) {
            Arrays.fill(y, at, at + model, 0f);
        }
        float[] bias = ffn.downBias();
        if (bias != null) {
            for (int d = 0; d < model; d++) {
                y[at + d] += bias[d];
            }
        }
        if (sumStart >= 0) {
            for (int d = 0; d < model; d++) {
                y[at + d] += sum[sumStart + d];
            }
        }
    }
}
