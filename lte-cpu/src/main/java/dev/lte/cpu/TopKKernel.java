package dev.lte.cpu;

import dev.lte.backend.TopKSpec;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Noisy top-k softmax routers, {@code s[g] = k exp(l[g]) / sum over the k greatest of exp(l)}, and their gradient
 * {@code dl[g] = s[g] (ds[g] - sum over h of ds[h] s[h] / k)}. Scores (T, N) F32; plain loops: N is small beside D.
 */
final class TopKKernel {
    private static final int ITEM_ROWS = 16;

    private final WorkerPool pool;
    private final Scratch sorted;
    private final RowCursor[] outRows;
    private final WorkerPool.Task scoring = this::score;
    private final WorkerPool.Task differentiating = this::differentiate;

    private @Nullable CpuTensor out;
    private @Nullable CpuTensor x;
    private @Nullable CpuTensor scores;
    private @Nullable TopKSpec spec;
    private long seed;
    private int k;

    TopKKernel(WorkerPool pool) {
        this.pool = pool;
        sorted = new Scratch(pool.threads());
        outRows = RowCursor.forAll(pool.threads());
    }

    void scores(CpuTensor scores, CpuTensor logits, TopKSpec spec, long seed) {
        out = scores;
        x = logits;
        this.spec = spec;
        this.seed = seed;
        pool.run(scoring, (scores.rows() + ITEM_ROWS - 1) / ITEM_ROWS);
        forget();
    }

    void scoresBackward(CpuTensor dlogits, CpuTensor dscores, CpuTensor scores, int k) {
        out = dlogits;
        x = dscores;
        this.scores = scores;
        this.k = k;
        pool.run(differentiating, (dlogits.rows() + ITEM_ROWS - 1) / ITEM_ROWS);
        forget();
    }

    private void forget() {
        out = null;
        x = null;
        scores = null;
        spec = null;
    }

    private void score(int item, int worker) {
        CpuTensor to = out;
        CpuTensor logits = x;
        TopKSpec how = spec;
        if (to == null || logits == null || how == null) {
            return;
        }
        int experts = to.columns();
        float[] order = sorted.floats(worker, experts);
        for (int t = item * ITEM_ROWS; t < Math.min(to.rows(), (item + 1) * ITEM_ROWS); t++) {
            float[] values = to.floats();
            int start = to.rowStart(t);
            System.arraycopy(logits.floats(), logits.rowStart(t), values, start, experts);
            if (how.noise() > 0) {
                for (int g = 0; g < experts; g++) {
                    values[start + g] += how.noise() * TopKSpec.normal(seed, t, g);
                }
            }
            System.arraycopy(values, start, order, 0, experts);
            Arrays.sort(order, 0, experts);
            keep(values, start, experts, how.k(), order[experts - how.k()], order[experts - 1]);
        }
    }

    /**
     * @param least of those that are kept; of others that are equal to it the first ones
     * @param greatest of all
     */
    private static void keep(float[] values, int start, int experts, int k, float least, float greatest) {
        int equal = k;
        for (int g = start; g < start + experts; g++) {
            equal -= values[g] > least ? 1 : 0;
        }
        float sum = 0;
        for (int g = start; g < start + experts; g++) {
            boolean kept = values[g] > least || values[g] == least && equal-- > 0;
            values[g] = kept ? (float) Math.exp(values[g] - greatest) : 0;
            sum += values[g];
        }
        for (int g = start; g < start + experts; g++) {
            values[g] *= k / sum;
        }
    }

    private void differentiate(int item, int worker) {
        CpuTensor to = out;
        CpuTensor dscores = x;
        CpuTensor values = scores;
        if (to == null || dscores == null || values == null) {
            return;
        }
        for (int t = item * ITEM_ROWS; t < Math.min(to.rows(), (item + 1) * ITEM_ROWS); t++) {
            RowCursor result = outRows[worker].overwrite(to, t);
            float[] score = values.floats();
            float[] dscore = dscores.floats();
            int at = values.rowStart(t);
            int from = dscores.rowStart(t);
            float mean = 0;
            for (int g = 0; g < to.columns(); g++) {
                mean += dscore[from + g] * score[at + g] / k;
            }
            for (int g = 0; g < to.columns(); g++) {
                float s = score[at + g];
                result.values()[result.start() + g] = s == 0 ? 0 : s * (dscore[from + g] - mean);
            }
            result.store(to, t);
        }
    }
}
