package dev.lte.core.contract;

import dev.lte.backend.AttentionSpec;

/**
 * Bounds of the gradients of attention. A weight p errs relative to itself by twice the error of its score, which is relative
 * to {@code scale |q| |k|}; so a gradient, a sum over pairs of rows, errs by that share of the sum of the magnitudes of its
 * terms.
 */
final class AttentionGradientBound {
    private final AttentionSpec spec;
    private final double[] dq;
    private final double[] dk;
    private final double[] dv;

    /**
     * @param q and dout (T, H x E)
     * @param k and v (T, K x E)
     * @param starts of the sequences
     * @param error relative error of products
     */
    AttentionGradientBound(
            float[] q, float[] k, float[] v, float[] dout, int[] starts, AttentionSpec spec, double error) {
        this.spec = spec;
        dq = new double[q.length];
        dk = new double[k.length];
        dv = new double[v.length];
        int window = spec.window() == 0 ? Integer.MAX_VALUE : spec.window();
        for (int b = 0; b + 1 < starts.length; b++) {
            for (int t = starts[b]; t < starts[b + 1]; t++) {
                int from = Math.max(starts[b], t - window + 1);
                int to = spec.causal() ? t + 1 : (int) Math.min(starts[b + 1], (long) t + window);
                for (int h = 0; h < spec.heads(); h++) {
                    add(q, k, v, dout, t, h, from, to, error);
                }
            }
        }
    }

    private void add(float[] q, float[] k, float[] v, float[] dout, int t, int h, int from, int to, double error) {
        int size = spec.headSize();
        int at = (t * spec.heads() + h) * size;
        double[] p = new double[to - from];
        double[] product = new double[to - from];
        double sum = 0;
        double largest = 0;
        double delta = 0;
        for (int s = from; s < to; s++) {
            int keyAt = keyAt(s, h);
            double score = 0;
            double magnitude = 0;
            for (int e = 0; e < size; e++) {
                score += spec.scale() * (double) q[at + e] * k[keyAt + e];
                magnitude += spec.scale() * Math.abs((double) q[at + e] * k[keyAt + e]);
                product[s - from] += Math.abs((double) dout[at + e] * v[keyAt + e]);
            }
            largest = Math.max(largest, magnitude);
            p[s - from] = Math.exp(spec.softcap() > 0 ? spec.softcap() * Math.tanh(score / spec.softcap()) : score);
            sum += p[s - from];
        }
        for (int i = 0; i < p.length; i++) {
            p[i] /= sum;
            delta += p[i] * product[i];
        }
        double share = error * (4 + 4 * largest);
        for (int s = from; s < to; s++) {
            int keyAt = keyAt(s, h);
            double dscore = spec.scale() * p[s - from] * (product[s - from] + delta);
            for (int e = 0; e < size; e++) {
                dq[at + e] += share * dscore * Math.abs(k[keyAt + e]);
                dk[keyAt + e] += share * dscore * Math.abs(q[at + e]);
                dv[keyAt + e] += share * p[s - from] * Math.abs(dout[at + e]);
            }
        }
    }

    private int keyAt(int row, int head) {
        int keyHead = head / (spec.heads() / spec.keyValueHeads());
        return (row * spec.keyValueHeads() + keyHead) * spec.headSize();
    }

    Bound dq() {
        return bound(dq, spec.heads() * spec.headSize());
    }

    Bound dk() {
        return bound(dk, spec.keyValueHeads() * spec.headSize());
    }

    Bound dv() {
        return bound(dv, spec.keyValueHeads() * spec.headSize());
    }

    private static Bound bound(double[] allowed, int columns) {
        return (row, column, expected) -> 1e-9 + allowed[row * columns + column] + Bound.FEW * Math.abs(expected);
    }
}
