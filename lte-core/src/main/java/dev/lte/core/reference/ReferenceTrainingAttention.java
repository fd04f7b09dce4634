package dev.lte.core.reference;

import dev.lte.backend.AttentionSpec;
import dev.lte.backend.Write;

/**
 * Attention within sequences of rows, forward and backward: out, q and their gradients (T, H x E), k, v and theirs (T, K x E),
 * logSumExp (T, H), starts (B + 1, 1). Head h reads key/value head {@code h / (H / K)}.
 */
final class ReferenceTrainingAttention {
    private ReferenceTrainingAttention() {}

    /** {@code p = softmax(cap(scale * q k^T))}, {@code out = p v}; rows outside all sequences yield 0. */
    static void forward(
            ReferenceTensor out,
            ReferenceTensor logSumExp,
            ReferenceTensor q,
            ReferenceTensor k,
            ReferenceTensor v,
            ReferenceTensor starts,
            AttentionSpec spec) {
        double[][] result = new double[out.rows()][out.columns()];
        double[][] sums = new double[out.rows()][spec.heads()];
        float[][] queries = q.allRows();
        float[][] keys = k.allRows();
        float[][] values = v.allRows();
        forEachRow(starts, out.rows(), spec, (t, from, to) -> {
            for (int h = 0; h < spec.heads(); h++) {
                double[] score = new double[to - from];
                double max = Double.NEGATIVE_INFINITY;
                for (int s = from; s < to; s++) {
                    score[s - from] = cap(spec, score(queries[t], keys[s], h, spec));
                    max = Math.max(max, score[s - from]);
                }
                double sum = 0;
                for (double value : score) {
                    sum += Math.exp(value - max);
                }
                sums[t][h] = max + Math.log(sum);
                for (int s = from; s < to; s++) {
                    addScaled(
                            result[t],
                            h * spec.headSize(),
                            Math.exp(score[s - from] - sums[t][h]),
                            values[s],
                            keyHead(h, spec),
                            spec);
                }
            }
        });
        storeAll(out, result);
        storeAll(logSumExp, sums);
    }

    /**
     * {@code dv = p^T dout}, {@code ds = p * (dout v^T - sum(dout * out)) * cap'}, {@code dq = scale * ds k},
     * {@code dk = scale * ds^T q}.
     */
    static void backward(
            ReferenceTensor dq,
            ReferenceTensor dk,
            ReferenceTensor dv,
            ReferenceTensor dout,
            ReferenceTensor out,
            ReferenceTensor logSumExp,
            ReferenceTensor q,
            ReferenceTensor k,
            ReferenceTensor v,
            ReferenceTensor starts,
            AttentionSpec spec) {
        double[][] dqueries = new double[q.rows()][q.columns()];
        double[][] dkeys = new double[k.rows()][k.columns()];
        double[][] dvalues = new double[v.rows()][v.columns()];
        float[][] douts = dout.allRows();
        float[][] outs = out.allRows();
        float[][] sums = logSumExp.allRows();
        float[][] queries = q.allRows();
        float[][] keys = k.allRows();
        float[][] values = v.allRows();
        forEachRow(starts, q.rows(), spec, (t, from, to) -> {
            for (int h = 0; h < spec.heads(); h++) {
                int at = h * spec.headSize();
                double delta = dot(douts[t], at, outs[t], at, spec);
                for (int s = from; s < to; s++) {
                    int keyAt = keyHead(h, spec);
                    double score = score(queries[t], keys[s], h, spec);
                    double p = Math.exp(cap(spec, score) - sums[t][h]);
                    double dscore = p * (dot(douts[t], at, values[s], keyAt, spec) - delta) * capSlope(spec, score);
                    addScaled(dvalues[s], keyAt, p, douts[t], at, spec);
                    addScaled(dqueries[t], at, spec.scale() * dscore, keys[s], keyAt, spec);
                    addScaled(dkeys[s], keyAt, spec.scale() * dscore, queries[t], at, spec);
                }
            }
        });
        storeAll(dq, dqueries);
        storeAll(dk, dkeys);
        storeAll(dv, dvalues);
    }

    /** A row and the rows {@code from} to {@code to} that it sees. */
    private interface RowConsumer {
        void accept(int t, int from, int to);
    }

    private static void forEachRow(ReferenceTensor starts, int rows, AttentionSpec spec, RowConsumer consumer) {
        int window = spec.window() == 0 ? Integer.MAX_VALUE : spec.window();
        for (int b = 0; b + 1 < starts.rows(); b++) {
            int first = Math.max(starts.integer(b, 0), 0);
            int end = Math.min(starts.integer(b + 1, 0), rows);
            for (int t = first; t < end; t++) {
                int from = Math.max(first, t - window + 1);
                int to = spec.causal() ? t + 1 : (int) Math.min(end, (long) t + window);
                consumer.accept(t, from, to);
            }
        }
    }

    private static int keyHead(int head, AttentionSpec spec) {
        return head / (spec.heads() / spec.keyValueHeads()) * spec.headSize();
    }

    private static double score(float[] query, float[] key, int head, AttentionSpec spec) {
        return spec.scale() * dot(query, head * spec.headSize(), key, keyHead(head, spec), spec);
    }

    private static double cap(AttentionSpec spec, double score) {
        return spec.softcap() > 0 ? spec.softcap() * Math.tanh(score / spec.softcap()) : score;
    }

    private static double capSlope(AttentionSpec spec, double score) {
        double capped = spec.softcap() > 0 ? Math.tanh(score / spec.softcap()) : 0;
        return 1 - capped * capped;
    }

    private static double dot(float[] a, int aStart, float[] b, int bStart, AttentionSpec spec) {
        double sum = 0;
        for (int e = 0; e < spec.headSize(); e++) {
            sum += (double) a[aStart + e] * b[bStart + e];
        }
        return sum;
    }

    private static void addScaled(
            double[] sum, int sumStart, double factor, float[] x, int xStart, AttentionSpec spec) {
        for (int e = 0; e < spec.headSize(); e++) {
            sum[sumStart + e] += factor * x[xStart + e];
        }
    }

    private static void storeAll(ReferenceTensor tensor, double[][] values) {
        for (int t = 0; t < values.length; t++) {
            tensor.store(t, values[t], Write.SET);
        }
    }
}
