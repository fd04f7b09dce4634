package dev.lte.cpu;

import dev.lte.backend.Write;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Feed-forward blocks, dense and sparse: {@code y[t] = sum over active g of E_g(x[t]) + downBias} (LTE, equation 2). x and y
 * are (T, D); {@link ExpertKernel} is E_g.
 *
 * <p>Experts are cut into segments of neighbours. A row's sum is that of its segments in order, and that of a segment is that of
 * its active experts in order: so a row has the same bits whatever stands next to it and whichever thread was faster. Few rows:
 * threads take segments, so that an expert is read from memory once. Many rows: threads take groups of rows and run all segments
 * on them, which shares no sums.
 */
final class FfnKernel implements WorkerPool.Task {
    /** Rows up to which segments rather than rows are dealt out. */
    private static final int FEW_ROWS = 48;

    /** Enough for the threads to end at about the same time, few enough for their sums to cost little. */
    private static final int LEAST_SEGMENTS = 16;

    private static final int MAX_GROUP = 256;

    private final WorkerPool pool;
    private final ExpertKernel[] kernels;
    private final ExpertRows[] groups;
    private final Scratch sums;
    private final Scratch segmentSums;
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
    private int rows;
    private boolean add;
    private boolean few;
    private int segments;
    private int groupRows;
    private int sumStride;

    FfnKernel(WorkerPool pool) {
        this.pool = pool;
        sums = new Scratch(pool.threads());
        segmentSums = new Scratch(pool.threads());
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
        weights.packed().beforeUse();
        this.weights = weights;
        this.experts = experts;
        this.counts = counts;
        this.y = y.floats();
        yStart = y.rowStart(0);
        yStride = y.stride();
        rows = y.rows();
        add = write == Write.ADD;
        // Whole panels, plus a cache line so that rows do not fall on the same lines of a cache.
        sumStride = (weights.spec().model() + Gemm.WIDTH - 1) / Gemm.WIDTH * Gemm.WIDTH + 16;
        few = rows <= FEW_ROWS;
        segments = Math.min(weights.spec().experts(), Math.max(LEAST_SEGMENTS, 2 * pool.threads()));
        int model = weights.spec().model();
        TileFormat gate = weights.gate();
        if (gate != null) {
            gateRows.set(gate, x.floats(), x.rowStart(0), x.stride(), rows, model);
        }
        boolean shared = gate == weights.up();
        if (!shared) {
            upRows.set(weights.up(), x.floats(), x.rowStart(0), x.stride(), rows, model);
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
        int size = rows * sumStride;
        if (partials.length < segments * size) {
            partials = new float[segments * size];
        }
        pool.run(this, segments, weights.byteSize() / weights.spec().experts() * groups[0].count() * rows);
        for (int s = 1; s < segments; s++) {
            VectorMath.add(partials, 0, partials, s * size, size);
        }
        for (int t = 0; t < rows; t++) {
            store(weights, t, partials, t * sumStride);
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
            Arrays.fill(partials, item * rows * sumStride, (item + 1) * rows * sumStride, 0f);
            runSegment(ffn, groups[0], item, kernels[worker], partials, -item * rows);
            return;
        }
        int first = item * groupRows;
        int count = Math.min(groupRows, rows - first);
        ExpertRows group = groups[worker];
        list(group, ffn, first, count);
        float[] sum = sums.floats(worker, count * sumStride);
        float[] part = segmentSums.floats(worker, count * sumStride);
        Arrays.fill(sum, 0, count * sumStride, 0f);
        for (int s = 0; s < segments; s++) {
            Arrays.fill(part, 0, count * sumStride, 0f);
            if (runSegment(ffn, group, s, kernels[worker], part, first)) {
                VectorMath.add(sum, 0, part, 0, count * sumStride);
            }
        }
        for (int t = 0; t < count; t++) {
            store(ffn, first + t, sum, t * sumStride);
        }
    }

    /** Adds the active experts of a segment to sum; false if there are none. */
    private boolean runSegment(
            CpuFfn ffn, ExpertRows group, int segment, ExpertKernel kernel, float[] sum, int sumRow) {
        int experts = ffn.spec().experts();
        int from = group.indexOf((int) ((long) experts * segment / segments));
        int to = group.indexOf((int) ((long) experts * (segment + 1) / segments));
        for (int i = from; i < to; i++) {
            int first = group.start(i);
            int count = group.start(i + 1) - first;
            kernel.run(ffn, group.expert(i), gateRows, up, group.rows(), first, count, sum, sumRow, sumStride);
        }
        return from < to;
    }

    /** Writes one row's sums and bias to y. */
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
        VectorMath.add(y, at, sum, sumStart, model);
    }
}
