package dev.lte.cpu;

import static dev.lte.cpu.Lanes.F;
import static dev.lte.cpu.Lanes.L;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.DType;
import dev.lte.backend.RowBatch;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
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
    private final int[][] offsets;
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
        offsets = new int[pool.threads()][2 * BLOCK];
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
        // Maxima, sums, scores, then decoded keys and values.
        int scores = 2 * group;
        int decodedKeys = scores + group * BLOCK;
        int decodedValues = decodedKeys + BLOCK * size;
        float[] work = scratch.floats(worker, decodedValues + BLOCK * size);
        Arrays.fill(work, 0, group, Float.NEGATIVE_INFINITY);
        Arrays.fill(work, group, 2 * group, 0f);
        int[] offset = offsets[worker];
        int[] listed = rows[worker];
        for (int p = from[t]; p < to[t]; p += BLOCK) {
            int count = list(t, p, Math.min(BLOCK, to[t] - p), listed);
            if (count == 0) {
                continue;
            }
            float[] keyStore = load(k, listed, count, head * size, size, work, decodedKeys, offset, 0);
            score(query.floats(), queryStart, keyStore, offset, count, work, scores, group, s);
            float[] valueStore = load(v, listed, count, head * size, size, work, decodedValues, offset, BLOCK);
            for (int g = 0; g < group; g++) {
                float shrink = renormalize(work, g, group, scores + g * BLOCK, count);
                accumulate(
                        result,
                        outStart + g * size,
                        size,
                        shrink,
                        work,
                        scores + g * BLOCK,
                        valueStore,
                        offset,
                        BLOCK,
                        count);
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

    /** Returns the array that the listed rows are in, and where each begins; decodes them to {@code work} if need be. */
    private static float[] load(
            CpuTensor from,
            int[] rows,
            int count,
            int column,
            int size,
            float[] work,
            int workStart,
            int[] offset,
            int offsetStart) {
        if (from.dtype() == DType.F32) {
            for (int j = 0; j < count; j++) {
                offset[offsetStart + j] = from.rowStart(rows[j]) + column;
            }
            return from.floats();
        }
        for (int j = 0; j < count; j++) {
            offset[offsetStart + j] = workStart + j * size;
            from.readRow(rows[j], column, size, work, workStart + j * size);
        }
        return work;
    }

    private static void score(
            float[] q,
            int queryStart,
            float[] keys,
            int[] offset,
            int count,
            float[] work,
            int scores,
            int group,
            AttentionSpec spec) {
        int size = spec.headSize();
        for (int g = 0; g < group; g++) {
            int to = scores + g * BLOCK;
            for (int j = 0; j < count; j++) {
                work[to + j] = spec.scale() * dot(q, queryStart + g * size, keys, offset[j], size);
            }
            if (spec.softcap() > 0) {
                VectorMath.softcap(work, to, count, spec.softcap());
            }
        }
    }

    static float dot(float[] a, int aStart, float[] b, int bStart, int count) {
        FloatVector sum0 = FloatVector.zero(F);
        FloatVector sum1 = FloatVector.zero(F);
        int i = 0;
        for (; i <= count - 2 * L; i += 2 * L) {
            sum0 = FloatVector.fromArray(F, a, aStart + i).fma(FloatVector.fromArray(F, b, bStart + i), sum0);
            sum1 = FloatVector.fromArray(F, a, aStart + i + L).fma(FloatVector.fromArray(F, b, bStart + i + L), sum1);
        }
        float sum = sum0.add(sum1).reduceLanes(VectorOperators.ADD);
        for (; i < count; i++) {
            sum += a[aStart + i] * b[bStart + i];
        }
        return sum;
    }

    /**
     * Turns a block of scores of head g into weights under the new maximum.
     *
     * @return by how much the old sums must be multiplied
     */
    private static float renormalize(float[] work, int g, int group, int scores, int count) {
        float old = work[g];
        float maximum = old;
        for (int j = 0; j < count; j++) {
            maximum = Math.max(maximum, work[scores + j]);
        }
        float shrink = maximum == old ? 1f : (float) Math.exp(old - maximum);
        work[g] = maximum;
        work[group + g] = work[group + g] * shrink + VectorMath.exponentials(work, scores, count, maximum);
        return shrink;
    }

    /** {@code out = out * shrink + sum over j of weights[j] * values[offset[j]...]}. */
    private static void accumulate(
            float[] out,
            int outStart,
            int size,
            float shrink,
            float[] weights,
            int weightStart,
            float[] values,
            int[] offset,
            int offsetStart,
            int count) {
        int e = 0;
        for (; e <= size - 2 * L; e += 2 * L) {
            accumulateLanes(out, outStart + e, shrink, weights, weightStart, values, e, offset, offsetStart, count);
        }
        for (; e < size; e++) {
            float sum = 0;
            for (int j = 0; j < count; j++) {
                sum += weights[weightStart + j] * values[offset[offsetStart + j] + e];
            }
            out[outStart + e] = out[outStart + e] * shrink + sum;
        }
    }

    private static void accumulateLanes(
            float[] out,
            int at,
            float shrink,
            float[] weights,
            int weightStart,
            float[] values,
            int e,
            int[] offset,
            int offsetStart,
            int count) {
        FloatVector sum0 = FloatVector.zero(F);
        FloatVector sum1 = FloatVector.zero(F);
        for (int j = 0; j < count; j++) {
            FloatVector weight = FloatVector.broadcast(F, weights[weightStart + j]);
            int v = offset[offsetStart + j] + e;
            sum0 = FloatVector.fromArray(F, values, v).fma(weight, sum0);
            sum1 = FloatVector.fromArray(F, values, v + L).fma(weight, sum1);
        }
        FloatVector.fromArray(F, out, at).mul(shrink).add(sum0).intoArray(out, at);
        FloatVector.fromArray(F, out, at + L).mul(shrink).add(sum1).intoArray(out, at + L);
    }

    private static void scale(float[] x, int start, int count, float factor) {
        for (int i = start; i < start + count; i++) {
            x[i] *= factor;
        }
    }
}
