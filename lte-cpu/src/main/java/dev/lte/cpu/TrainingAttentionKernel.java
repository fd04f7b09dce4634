package dev.lte.cpu;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Attention within sequences, forward and backward: a thread takes one key/value head of one sequence, packs its keys and values
 * once and goes through the queries of all heads that share them, {@value #QUERIES} rows at a time. Scores are kept transposed,
 * {@code [key][query]}, so that a vector lane is a query: maxima and sums run over keys without crossing lanes, and the scores
 * are a left factor of the next product almost as they are. What a block of queries does is in {@link AttentionBlock}.
 *
 * <p>Forward, queries of a long sequence are divided among threads besides; backward they are not, since they add to the
 * gradients of the same keys and values. The order of every sum is the same for any number of threads.
 */
final class TrainingAttentionKernel {
    /** Queries of a block: a panel of {@link Tiles}. */
    static final int QUERIES = Tiles.COLUMNS;

    private final WorkerPool pool;
    private final AttentionBlock[] blocks;
    private final WorkerPool.Task forward = this::forward;
    private final WorkerPool.Task backward = this::backward;

    private @Nullable CpuTensor out;
    private @Nullable CpuTensor logSumExp;
    private @Nullable CpuTensor q;
    private @Nullable CpuTensor k;
    private @Nullable CpuTensor v;
    private @Nullable CpuTensor dq;
    private @Nullable CpuTensor dk;
    private @Nullable CpuTensor dv;
    private @Nullable CpuTensor dout;
    private @Nullable AttentionSpec spec;
    /** First row and end of each sequence that has rows. */
    private int[] first = {};

    private int[] end = {};
    private int sequences;
    private boolean[] covered = {};
    private int parts;

    TrainingAttentionKernel(WorkerPool pool) {
        this.pool = pool;
        blocks = new AttentionBlock[pool.threads()];
        for (int i = 0; i < blocks.length; i++) {
            blocks[i] = new AttentionBlock();
        }
    }

    void forward(
            CpuTensor out,
            CpuTensor logSumExp,
            CpuTensor q,
            CpuTensor k,
            CpuTensor v,
            CpuTensor starts,
            AttentionSpec spec) {
        set(out, logSumExp, q, k, v, starts, spec);
        clearUncovered(out);
        clearUncovered(logSumExp);
        int heads = sequences * spec.keyValueHeads();
        parts = heads == 0 ? 1 : Math.max(1, 2 * pool.threads() / heads);
        pool.run(forward, heads * parts);
        forget();
    }

    void backward(
            CpuTensor dq,
            CpuTensor dk,
            CpuTensor dv,
            CpuTensor dout,
            CpuTensor out,
            CpuTensor logSumExp,
            CpuTensor q,
            CpuTensor k,
            CpuTensor v,
            CpuTensor starts,
            AttentionSpec spec) {
        set(out, logSumExp, q, k, v, starts, spec);
        this.dq = dq;
        this.dk = dk;
        this.dv = dv;
        this.dout = dout;
        clearUncovered(dq);
        clearUncovered(dk);
        clearUncovered(dv);
        pool.run(backward, sequences * spec.keyValueHeads());
        forget();
    }

    private void set(
            CpuTensor out,
            CpuTensor logSumExp,
            CpuTensor q,
            CpuTensor k,
            CpuTensor v,
            CpuTensor starts,
            AttentionSpec spec) {
        this.out = out;
        this.logSumExp = logSumExp;
        this.q = q;
        this.k = k;
        this.v = v;
        this.spec = spec;
        int rows = q.rows();
        if (first.length < starts.rows()) {
            first = new int[starts.rows()];
            end = new int[starts.rows()];
        }
        if (covered.length < rows) {
            covered = new boolean[rows];
        }
        Arrays.fill(covered, 0, rows, false);
        sequences = 0;
        for (int b = 0; b + 1 < starts.rows(); b++) {
            int from = Math.max(starts.ints()[starts.rowStart(b)], 0);
            int to = Math.min(starts.ints()[starts.rowStart(b + 1)], rows);
            if (from < to) {
                first[sequences] = from;
                end[sequences++] = to;
                Arrays.fill(covered, from, to, true);
            }
        }
    }

    private void forget() {
        out = null;
        logSumExp = null;
        q = null;
        k = null;
        v = null;
        dq = null;
        dk = null;
        dv = null;
        dout = null;
    }

    private void clearUncovered(CpuTensor tensor) {
        for (int t = 0; t < tensor.rows(); t++) {
            if (!covered[t]) {
                if (tensor.dtype() == DType.F32) {
                    int at = tensor.rowStart(t);
                    Arrays.fill(tensor.floats(), at, at + tensor.columns(), 0f);
                } else {
                    blocks[0].clear(tensor, t);
                }
            }
        }
    }

    private void forward(int item, int worker) {
        CpuTensor to = out;
        CpuTensor sums = logSumExp;
        CpuTensor queries = q;
        CpuTensor keys = k;
        CpuTensor values = v;
        AttentionSpec shape = spec;
        if (to == null || sums == null || queries == null || keys == null || values == null || shape == null) {
            return;
        }
        int part = item % parts;
        int keyHead = item / parts % shape.keyValueHeads();
        int sequence = item / parts / shape.keyValueHeads();
        int length = end[sequence] - first[sequence];
        int all = (length + QUERIES - 1) / QUERIES;
        int fromBlock = (int) ((long) all * part / parts);
        int toBlock = (int) ((long) all * (part + 1) / parts);
        if (fromBlock == toBlock) {
            return;
        }
        AttentionBlock block = blocks[worker];
        block.begin(shape, first[sequence], end[sequence], keyHead, keys, values);
        int group = shape.heads() / shape.keyValueHeads();
        for (int h = keyHead * group; h < (keyHead + 1) * group; h++) {
            for (int b = fromBlock; b < toBlock; b++) {
                block.forward(h, b * QUERIES, queries, to, sums);
            }
        }
    }

    private void backward(int item, int worker) {
        CpuTensor from = out;
        CpuTensor sums = logSumExp;
        CpuTensor queries = q;
        CpuTensor keys = k;
        CpuTensor values = v;
        CpuTensor dqueries = dq;
        CpuTensor dkeys = dk;
        CpuTensor dvalues = dv;
        CpuTensor dfrom = dout;
        AttentionSpec shape = spec;
        if (from == null || sums == null || queries == null || keys == null || values == null || shape == null) {
            return;
        }
        if (dqueries == null || dkeys == null || dvalues == null || dfrom == null) {
            return;
        }
        int keyHead = item % shape.keyValueHeads();
        int sequence = item / shape.keyValueHeads();
        int length = end[sequence] - first[sequence];
        AttentionBlock block = blocks[worker];
        block.beginBackward(shape, first[sequence], end[sequence], keyHead, keys, values);
        int group = shape.heads() / shape.keyValueHeads();
        for (int h = keyHead * group; h < (keyHead + 1) * group; h++) {
            for (int b = 0; b * QUERIES < length; b++) {
                block.backward(h, b * QUERIES, queries, dfrom, from, sums, dqueries);
            }
        }
        block.endBackward(keyHead, dkeys, dvalues);
    }
}
