package dev.lte.core.reference;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.RowBatch;
import dev.lte.backend.Write;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;

/**
 * {@code out[t][h] = sum over p of softmax_p(cap(scale * q[t][h] . key[p])) * value[p]} over the positions p that row t sees:
 * out and q (T, H x E), keys and values (rows, K x E), head h reads key/value head {@code h / (H / K)}.
 */
final class ReferenceAttention {
    private ReferenceAttention() {}

    /** Stores k and v (T, K x E) at their positions; padding rows and rows without a page go nowhere. */
    static void append(
            ReferenceTensor keyCache, ReferenceTensor valueCache, ReferenceTensor k, ReferenceTensor v, Pages pages) {
        for (int t = 0; t < k.rows(); t++) {
            int row = pages.row(pages.sequence(t), pages.position(t));
            if (row >= 0) {
                keyCache.writeRow(row, k.row(t), 0);
                valueCache.writeRow(row, v.row(t), 0);
            }
        }
    }

    /** Over the cache. Without causality a row sees up to the last position that its sequence has among the rows. */
    static void cached(
            ReferenceTensor out,
            ReferenceTensor q,
            ReferenceTensor keys,
            ReferenceTensor values,
            Pages pages,
            AttentionSpec spec) {
        for (int t = 0; t < out.rows(); t++) {
            int sequence = pages.sequence(t);
            int position = pages.position(t);
            int end = Math.min(position, pages.capacity() - 1) + 1;
            for (int other = 0; other < out.rows() && !spec.causal(); other++) {
                if (position >= 0 && pages.sequence(other) == sequence) {
                    end = Math.max(end, Math.min(pages.position(other), pages.capacity() - 1) + 1);
                }
            }
            attend(out, t, q, keys, values, position, end, p -> pages.row(sequence, p), spec);
        }
    }

    /** Over the rows themselves, sequence b being rows {@code starts[b]} to {@code starts[b + 1]}; other rows yield zeros. */
    static void self(
            ReferenceTensor out,
            ReferenceTensor q,
            ReferenceTensor k,
            ReferenceTensor v,
            ReferenceTensor starts,
            AttentionSpec spec) {
        for (int t = 0; t < out.rows(); t++) {
            out.store(t, new double[out.columns()], Write.SET);
        }
        for (int b = 0; b + 1 < starts.rows(); b++) {
            int first = Math.max(starts.integer(b, 0), 0);
            int end = Math.min(starts.integer(b + 1, 0), out.rows());
            for (int t = first; t < end; t++) {
                int seen = (spec.causal() ? t + 1 : end) - first;
                attend(out, t, q, k, v, t - first, seen, p -> first + p, spec);
            }
        }
    }

    /** Row t at {@code position}, over the positions below {@code end} that the window leaves; {@code rowOf} finds their rows. */
    private static void attend(
            ReferenceTensor out,
            int t,
            ReferenceTensor q,
            ReferenceTensor keys,
            ReferenceTensor values,
            int position,
            int end,
            IntUnaryOperator rowOf,
            AttentionSpec spec) {
        int window = spec.window() == 0 ? Integer.MAX_VALUE : spec.window();
        int from = Math.max(0, position - window + 1);
        int to = (int) Math.min(end, (long) position + window);
        int[] rows = new int[Math.max(0, to - from)];
        int seen = 0;
        for (int p = from; p < to; p++) {
            int row = rowOf.applyAsInt(p);
            if (row >= 0) {
                rows[seen++] = row;
            }
        }
        rows = Arrays.copyOf(rows, seen);
        double[][] weights = softmax(scores(q.row(t), keys, rows, spec));
        double[] result = new double[out.columns()];
        float[] value = new float[values.columns()];
        int group = spec.heads() / spec.keyValueHeads();
        for (int i = 0; i < seen; i++) {
            values.readRow(rows[i], value);
            for (int h = 0; h < spec.heads(); h++) {
                int at = h / group * spec.headSize();
                for (int e = 0; e < spec.headSize(); e++) {
                    result[h * spec.headSize() + e] += weights[h][i] * value[at + e];
                }
            }
        }
        out.store(t, result, Write.SET);
    }

    /** Scores (H, positions) of one row. */
    private static double[][] scores(float[] query, ReferenceTensor keys, int[] rows, AttentionSpec spec) {
        double[][] scores = new double[spec.heads()][rows.length];
        float[] key = new float[keys.columns()];
        int group = spec.heads() / spec.keyValueHeads();
        for (int i = 0; i < rows.length; i++) {
            keys.readRow(rows[i], key);
            for (int h = 0; h < spec.heads(); h++) {
                int queryAt = h * spec.headSize();
                int keyAt = h / group * spec.headSize();
                double sum = 0;
                for (int e = 0; e < spec.headSize(); e++) {
                    sum += (double) query[queryAt + e] * key[keyAt + e];
                }
                double score = sum * spec.scale();
                scores[h][i] = spec.softcap() > 0 ? spec.softcap() * Math.tanh(score / spec.softcap()) : score;
            }
        }
        return scores;
    }

    private static double[][] softmax(double[][] scores) {
        for (double[] row : scores) {
            double max = Arrays.stream(row).max().orElse(0);
            double sum = 0;
            for (int i = 0; i < row.length; i++) {
                row[i] = Math.exp(row[i] - max);
                sum += row[i];
            }
            for (int i = 0; i < row.length; i++) {
                row[i] /= sum;
            }
        }
        return scores;
    }

    /** Where the positions of the rows' sequences are in the cache. */
    record Pages(
            ReferenceTensor positions, ReferenceTensor sequences, ReferenceTensor table, int pageSize, int cacheRows) {
        static Pages of(ReferenceBackend backend, RowBatch batch, ReferenceTensor cache) {
            return new Pages(
                    backend.own(batch.positions()),
                    backend.own(batch.sequences()),
                    backend.own(batch.pageTable()),
                    batch.pageSize(),
                    cache.rows());
        }

        /** Position of row t; negative for padding. */
        int position(int t) {
            return positions.integer(t, 0);
        }

        int sequence(int t) {
            return sequences.integer(t, 0);
        }

        /** Positions that a line of the page table has room for. */
        int capacity() {
            return (int) Math.min(Integer.MAX_VALUE - 1, (long) table.columns() * pageSize);
        }

        /** The cache row of a position, -1 if the tables lead outside. */
        int row(int sequence, int position) {
            if (sequence < 0 || sequence >= table.rows() || position < 0 || position >= capacity()) {
                return -1;
            }
            long row = (long) table.integer(sequence, position / pageSize) * pageSize + position % pageSize;
            return row < 0 || row >= cacheRows ? -1 : (int) row;
        }
    }
}
