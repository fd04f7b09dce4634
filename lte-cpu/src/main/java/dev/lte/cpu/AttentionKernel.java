package dev.lte.cpu;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import dev.lte.backend.RowBatch;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * {@code out[t][h] = sum over p of softmax_p(scale * q[t][h] . k[p]) * v[p]}: q and out (T, H x E), keys and values
 * (rows, K x E), paged or contiguous. A streaming softmax over blocks of {@value #BLOCK} positions (Milakov and Gimelshein,
 * 2018): running maximum and sum per head, F32 throughout. Keys and values of a block are decoded to F32 once for all query
 * heads that share them.
 */
final class AttentionKernel implements WorkerPool.Task {
    private static final int BLOCK = 32;

    /** Columns of keys up to which one thread takes all heads of a row, whose decoding then begins and ends less often. */
    private static final int TOGETHER = 512;

    private final WorkerPool pool;
    private final Scratch scratch;
    private final int[][] rows;
    private final Warming[] warming;
    private final ColdAttention[] cold;

    private @Nullable CpuTensor out;
    private @Nullable CpuTensor q;
    private @Nullable CpuTensor keys;
    private @Nullable CpuTensor values;
    private @Nullable AttentionSpec spec;
    /** Per row: the first position seen, the end of those seen, and the sequence, or its first row without a cache. */
    private int[] from = {};

    private int[] to = {};
    private int[] base = {};
    private final Pages pages = new Pages();
    private boolean paged;
    /** Key/value heads of an item. */
    private int span = 1;

    AttentionKernel(WorkerPool pool) {
        this.pool = pool;
        scratch = new Scratch(pool.threads());
        rows = new int[pool.threads()][BLOCK];
        warming = new Warming[pool.threads()];
        cold = new ColdAttention[pool.threads()];
        for (int i = 0; i < warming.length; i++) {
            warming[i] = new Warming(300, 5_000);
            cold[i] = new ColdAttention();
        }
    }

    /** Over the cache. Without causality a row sees up to the last position that its sequence has among the rows. */
    void run(CpuTensor out, CpuTensor q, CpuTensor keys, CpuTensor values, RowBatch rows, AttentionSpec spec) {
        pages.set(rows, keys.rows());
        paged = true;
        reserve(out.rows());
        for (int t = 0; t < out.rows(); t++) {
            int position = pages.position(t);
            int end = pages.end(position);
            for (int u = 0; u < out.rows() && !spec.causal(); u++) {
                if (pages.sequence(u) == pages.sequence(t)) {
                    end = Math.max(end, pages.end(pages.position(u)));
                }
            }
            base[t] = pages.sequence(t);
            see(t, position, position < 0 ? 0 : end, spec);
        }
        run(out, q, keys, values, spec);
    }

    /** Over the rows themselves; rows outside all sequences yield zeros. */
    void run(CpuTensor out, CpuTensor q, CpuTensor keys, CpuTensor values, CpuTensor starts, AttentionSpec spec) {
        int[] start = starts.ints();
        reserve(out.rows());
        Arrays.fill(from, 0, out.rows(), 0);
        Arrays.fill(to, 0, out.rows(), 0);
        for (int b = 0; b + 1 < starts.rows(); b++) {
            int first = Math.max(start[starts.rowStart(b)], 0);
            int end = Math.min(start[starts.rowStart(b + 1)], out.rows());
            for (int t = first; t < end; t++) {
                base[t] = first;
                see(t, t - first, spec.causal() ? t - first + 1 : end - first, spec);
            }
        }
        paged = false;
        run(out, q, keys, values, spec);
    }

    private void reserve(int rows) {
        if (from.length < rows) {
            from = new int[rows];
            to = new int[rows];
            base = new int[rows];
        }
    }

    private void see(int row, int position, int end, AttentionSpec spec) {
        int window = spec.window();
        from[row] = window == 0 ? 0 : Math.max(0, position - window + 1);
        to[row] = window == 0 ? end : (int) Math.min(end, (long) position + window);
    }

    private void run(CpuTensor out, CpuTensor q, CpuTensor keys, CpuTensor values, AttentionSpec spec) {
        this.out = out;
        this.q = q;
        this.keys = keys;
        this.values = values;
        this.spec = spec;
        long seen = 0;
        for (int t = 0; t < out.rows(); t++) {
            seen += to[t] - from[t];
        }
        int heads = spec.keyValueHeads();
        span = heads * spec.headSize() <= TOGETHER && out.rows() >= pool.threads() ? heads : 1;
        pool.run(this, out.rows() * (heads / span), 4 * seen * out.columns());
    }

    /** An item is a row and {@link #span} key/value heads, with all query heads that read them. */
    @Override
    public void run(int item, int worker) {
        AttentionSpec s = spec;
        CpuTensor o = out;
        CpuTensor query = q;
        CpuTensor k = keys;
        CpuTensor v = values;
        if (s == null || o == null || query == null || k == null || v == null) {
            return;
        }
        int heads = span;
        int t = item / (s.keyValueHeads() / heads);
        int head = item % (s.keyValueHeads() / heads) * heads;
        int size = s.headSize();
        int group = s.heads() / s.keyValueHeads();
        int queries = heads * group;
        int queryStart = query.rowStart(t) + head * group * size;
        int outStart = o.rowStart(t) + head * group * size;
        float[] result = o.floats();
        Arrays.fill(result, outStart, outStart + queries * size, 0f);
        // Maxima, sums, by how much sums shrink, scores, then decoded keys and values.
        int shrinks = 2 * queries;
        int scores = 3 * queries;
        int decodedKeys = scores + queries * BLOCK;
        int decodedValues = decodedKeys + BLOCK * heads * size;
        float[] work = scratch.floats(worker, decodedValues + BLOCK * heads * size);
        Arrays.fill(work, 0, queries, Float.NEGATIVE_INFINITY);
        Arrays.fill(work, queries, 2 * queries, 0f);
        int[] listed = rows[worker];
        for (int p = from[t]; p < to[t]; p += BLOCK) {
            int count = list(t, p, Math.min(BLOCK, to[t] - p), listed);
            if (count == 0) {
                continue;
            }
            boolean inPlace = count == BLOCK && k.dtype() == DType.F32 && evenlySpaced(listed);
            float[] keyStore = inPlace ? k.floats() : work;
            int keyStart = inPlace ? k.rowStart(listed[0]) + head * size : decodedKeys;
            int keyStride = inPlace ? k.stride() * (listed[1] - listed[0]) : heads * size;
            float[] valueStore = inPlace ? v.floats() : work;
            int valueStart = inPlace ? v.rowStart(listed[0]) + head * size : decodedValues;
            int valueStride = inPlace ? v.stride() * (listed[1] - listed[0]) : heads * size;
            boolean vectors = !AttentionMath.TOGETHER || warming[worker].takesVectors(2 * count);
            if (!inPlace) {
                load(k, listed, count, head * size, heads * size, work, decodedKeys, vectors);
                load(v, listed, count, head * size, heads * size, work, decodedValues, vectors);
            }
            for (int g = 0; g < queries; g++) {
                int weights = scores + g * BLOCK;
                int column = g / group * size;
                if (vectors) {
                    AttentionMath.scores(
                            query.floats(),
                            queryStart + g * size,
                            size,
                            s.scale(),
                            keyStore,
                            keyStart + column,
                            keyStride,
                            count,
                            work,
                            weights);
                } else {
                    cold[worker].scores(
                            query.floats(),
                            queryStart + g * size,
                            size,
                            s.scale(),
                            keyStore,
                            keyStart + column,
                            keyStride,
                            count,
                            work,
                            weights);
                }
                if (s.softcap() > 0) {
                    VectorMath.softcap(work, weights, count, s.softcap());
                }
                work[shrinks + g] = renormalize(work, g, queries, weights, count, vectors ? null : cold[worker]);
            }
            for (int h = 0; h < heads; h++) {
                accumulate(
                        result,
                        outStart,
                        h,
                        group,
                        size,
                        work,
                        shrinks,
                        scores,
                        valueStore,
                        valueStart,
                        valueStride,
                        count,
                        vectors);
            }
        }
        for (int g = 0; g < queries; g++) {
            float sum = work[queries + g];
            if (sum > 0) {
                scale(result, outStart + g * size, size, 1 / sum);
            }
        }
    }

    /** Lists the rows of the cache, or of the keys themselves, that hold the positions; returns how many there are. */
    private int list(int t, int position, int count, int[] rows) {
        int found = 0;
        for (int p = position; p < position + count; p++) {
            int row = paged ? pages.row(base[t], p) : base[t] + p;
            if (row >= 0) {
                rows[found++] = row;
            }
        }
        return found;
    }

    /** Adds the block's values to the results of the query heads that read key/value head h of the item. */
    private static void accumulate(
            float[] result,
            int outStart,
            int h,
            int group,
            int size,
            float[] work,
            int shrinks,
            int scores,
            float[] values,
            int valueStart,
            int valueStride,
            int count,
            boolean vectors) {
        int first = h * group;
        int from = valueStart + h * size;
        if (!vectors) {
            for (int g = first; g < first + group; g++) {
                ColdAttention.accumulate(
                        result,
                        outStart + g * size,
                        size,
                        work[shrinks + g],
                        work,
                        scores + g * BLOCK,
                        values,
                        from,
                        valueStride,
                        count);
            }
            return;
        }
        int done = AttentionMath.accumulatePairs(
                result,
                outStart + first * size,
                size,
                group,
                work,
                shrinks + first,
                scores + first * BLOCK,
                BLOCK,
                values,
                from,
                valueStride,
                count);
        for (int g = first + done; g < first + group; g++) {
            AttentionMath.accumulate(
                    result,
                    outStart + g * size,
                    size,
                    work[shrinks + g],
                    work,
                    scores + g * BLOCK,
                    values,
                    from,
                    valueStride,
                    count);
        }
    }

    private static boolean evenlySpaced(int[] rows) {
        int step = rows[1] - rows[0];
        for (int j = 2; j < BLOCK; j++) {
            if (rows[j] - rows[j - 1] != step) {
                return false;
            }
        }
        return true;
    }

    private static void load(
            CpuTensor from, int[] rows, int count, int column, int size, float[] work, int start, boolean vectors) {
        for (int j = 0; j < count; j++) {
            if (vectors) {
                from.readRow(rows[j], column, size, work, start + j * size);
            } else {
                from.readRowPlainly(rows[j], column, size, work, start + j * size);
            }
        }
    }

    /**
     * Turns a block of scores of head g into weights under the new maximum.
     *
     * @param cold null for vectors
     * @return by how much the old sums must be multiplied
     */
    private static float renormalize(
            float[] work, int g, int queries, int scores, int count, @Nullable ColdAttention cold) {
        float old = work[g];
        float maximum = cold == null
                ? AttentionMath.largest(work, scores, count, old)
                : ColdAttention.largest(work, scores, count, old);
        float shrink = maximum == old ? 1f : (float) Math.exp(old - maximum);
        work[g] = maximum;
        float sum = cold == null
                ? VectorMath.exponentials(work, scores, count, maximum)
                : cold.exponentials(work, scores, count, maximum);
        work[queries + g] = work[queries + g] * shrink + sum;
        return shrink;
    }

    private static void scale(float[] x, int start, int count, float factor) {
        for (int i = start; i < start + count; i++) {
            x[i] *= factor;
        }
    }
}
