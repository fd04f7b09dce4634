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

    private final WorkerPool pool;
    private final Scratch scratch;
    private final int[][] rows;

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

    AttentionKernel(WorkerPool pool) {
        this.pool = pool;
        scratch = new Scratch(pool.threads());
        rows = new int[pool.threads()][BLOCK];
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
        pool.run(this, out.rows() * spec.keyValueHeads(), 4 * seen * out.columns());
    }

    /** An item is a row and a key/value head, with all query heads that read it. */
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
        int t = item / s.keyValueHeads();
        int head = item % s.keyValueHeads();
        int size = s.headSize();
        int group = s.heads() / s.keyValueHeads();
        int queryStart = query.rowStart(t) + head * group * size;
        int outStart = o.rowStart(t) + head * group * size;
        float[] result = o.floats();
        for (int g = 0; g < group; g++) {
            Arrays.fill(result, outStart + g * size, outStart + (g + 1) * size, 0f);
        }
        // Maxima, sums, by how much sums shrink, scores, then decoded keys and values.
        int shrinks = 2 * group;
        int scores = 3 * group;
        int decodedKeys = scores + group * BLOCK;
        int decodedValues = decodedKeys + BLOCK * size;
        float[] work = scratch.floats(worker, decodedValues + BLOCK * size);
        Arrays.fill(work, 0, group, Float.NEGATIVE_INFINITY);
        Arrays.fill(work, group, 2 * group, 0f);
        int[] listed = rows[worker];
        for (int p = from[t]; p < to[t]; p += BLOCK) {
            int count = list(t, p, Math.min(BLOCK, to[t] - p), listed);
            if (count == 0) {
                continue;
            }
            boolean inPlace = count == BLOCK && k.dtype() == DType.F32 && evenlySpaced(listed);
            float[] keyStore = inPlace ? k.floats() : work;
            int keyStart = inPlace ? k.rowStart(listed[0]) + head * size : decodedKeys;
            int keyStride = inPlace ? k.stride() * (listed[1] - listed[0]) : size;
            float[] valueStore = inPlace ? v.floats() : work;
            int valueStart = inPlace ? v.rowStart(listed[0]) + head * size : decodedValues;
            int valueStride = inPlace ? v.stride() * (listed[1] - listed[0]) : size;
            if (!inPlace) {
                load(k, listed, count, head * size, size, work, decodedKeys);
                load(v, listed, count, head * size, size, work, decodedValues);
            }
            for (int g = 0; g < group; g++) {
                int weights = scores + g * BLOCK;
                AttentionMath.scores(
                        query.floats(), queryStart + g * size, size, s.scale(), keyStore, keyStart, keyStride, count, work,
                        weights);
                if (s.softcap() > 0) {
                    VectorMath.softcap(work, weights, count, s.softcap());
                }
                work[shrinks + g] = renormalize(work, g, group, weights, count);
            }
            int done = AttentionMath.accumulatePairs(
                    result, outStart, size, group, work, shrinks, scores, BLOCK, valueStore, valueStart, valueStride, count);
            for (int g = done; g < group; g++) {
                AttentionMath.accumulate(
                        result, outStart + g * size, size, work[shrinks + g], work, scores + g * BLOCK, valueStore, valueStart,
                        valueStride, count);
            }
        }
        for (int g = 0; g < group; g++) {
            float sum = work[group + g];
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

    private static boolean evenlySpaced(int[] rows) {
        int step = rows[1] - rows[0];
        for (int j = 2; j < BLOCK; j++) {
            if (rows[j] - rows[j - 1] != step) {
                return false;
            }
        }
        return true;
    }

    private static void load(CpuTensor from, int[] rows, int count, int column, int size, float[] work, int start) {
        for (int j = 0; j < count; j++) {
            from.readRow(rows[j], column, size, work, start + j * size);
        }
    }

    /**
     * Turns a block of scores of head g into weights under the new maximum.
     *
     * @return by how much the old sums must be multiplied
     */
    private static float renormalize(float[] work, int g, int group, int scores, int count) {
        float old = work[g];
        float maximum = AttentionMath.largest(work, scores, count, old);
        float shrink = maximum == old ? 1f : (float) Math.exp(old - maximum);
        work[g] = maximum;
        work[group + g] = work[group + g] * shrink + VectorMath.exponentials(work, scores, count, maximum);
        return shrink;
    }

    private static void scale(float[] x, int start, int count, float factor) {
        for (int i = start; i < start + count; i++) {
            x[i] *= factor;
        }
    }
}
