package dev.lte.cpu;

/** The host-side loops of routing, cheap enough for one thread. */
final class RoutingKernel {
    private RoutingKernel() {}

    /** {@code x = sigmoid(x)}, (T, N). */
    static void sigmoid(CpuTensor x) {
        for (int t = 0; t < x.rows(); t++) {
            VectorMath.sigmoid(x.floats(), x.rowStart(t), x.columns());
        }
    }

    /**
     * Lists the columns of each row whose score is above the row's threshold.
     *
     * @param experts (T, N) receives the lists
     * @param counts (T, 1) receives their lengths
     * @param scores (T, N)
     * @param thresholds (T, 1)
     */
    static void select(CpuTensor experts, CpuTensor counts, CpuTensor scores, CpuTensor thresholds) {
        float[] score = scores.floats();
        float[] threshold = thresholds.floats();
        int[] expert = experts.ints();
        for (int t = 0; t < scores.rows(); t++) {
            int from = scores.rowStart(t);
            int to = experts.rowStart(t);
            float tau = threshold[thresholds.rowStart(t)];
            int count = 0;
            for (int g = 0; g < scores.columns(); g++) {
                if (score[from + g] > tau) {
                    expert[to + count++] = g;
                }
            }
            counts.ints()[counts.rowStart(t)] = count;
        }
    }

    /** The index of each row's largest element, the lowest one on a tie; ids (T, 1), logits (T, V). */
    static void argmax(CpuTensor ids, CpuTensor logits) {
        float[] logit = logits.floats();
        for (int t = 0; t < logits.rows(); t++) {
            int start = logits.rowStart(t);
            int best = 0;
            for (int v = 1; v < logits.columns(); v++) {
                if (logit[start + v] > logit[start + best] || Float.isNaN(logit[start + best])) {
                    best = v;
                }
            }
            ids.ints()[ids.rowStart(t)] = best;
        }
    }
}
